// The list of connections for the owner, with a button to disconnect each one.
import { element, setText } from "../dom.ts";
import type { ConnectionInfo, RoomApi } from "../room-api.ts";

const REFRESH_MS = 3000;

/** The section. It asks the room repeatedly while `isOpen`. */
export function connectionList(api: RoomApi, fail: (error: unknown) => void, isOpen: () => boolean): HTMLElement {
  const list = element("ul", { id: "connections", class: "links" });
  const none = element("p", { class: "hint" }, "Nobody is connected.");
  let isAsking = false;
  const refresh = async () => {
    if (isAsking || !isOpen() || document.hidden) return;
    isAsking = true;
    try {
      const connections = await api.connections();
      draw(list, connections, kick);
      none.hidden = connections.length > 0;
    } catch (error) {
      fail(error);
    } finally {
      isAsking = false;
    }
  };
  const kick = async (connection: string) => {
    await api.kick(connection).catch(fail);
    await refresh();
  };
  setInterval(refresh, REFRESH_MS);
  const section = element("section", {}, element("h3", {}, "Connected"), none, list);
  // The list is first drawn when the surrounding panel opens.
  queueMicrotask(() => section.closest("details")?.addEventListener("toggle", () => void refresh()));
  return section;
}

/** Rows that remain keep their buttons, so the focus does not jump. */
function draw(list: HTMLElement, connections: readonly ConnectionInfo[], kick: (id: string) => void): void {
  const before = new Map([...list.querySelectorAll("li")].map((row) => [row.dataset.connection, row]));
  const rows = connections.map((one) => {
    const row = before.get(one.connection) ?? newRow(one, kick);
    const figure = row.querySelector(".hint");
    if (figure !== null) setText(figure, about(one));
    return row;
  });
  for (const row of before.values()) if (!rows.includes(row)) row.remove();
  for (const row of rows) if (row.parentNode === null) list.append(row);
}

function newRow({ connection, subject, label }: ConnectionInfo, kick: (id: string) => void): HTMLLIElement {
  const name = [label, subject].filter(Boolean).join(", ") || connection.slice(-6);
  const button = element(
    "button",
    { type: "button", class: "danger", "aria-label": `Disconnect ${name}` },
    "Disconnect",
  );
  button.addEventListener("click", () => kick(connection));
  const words = element("span", { class: "grow" }, element("b", {}, name), element("span", { class: "hint" }));
  return element("li", { class: "row", "data-connection": connection }, words, button);
}

function about({ role, track, state, gaps = 0 }: ConnectionInfo): string {
  if (role === "publish") return `shares into ${track}`;
  const lag = state === "in-step" ? "watches" : `watches, ${state}`;
  return gaps === 0 ? lag : `${lag}, ${gaps} ${gaps === 1 ? "gap" : "gaps"}`;
}
