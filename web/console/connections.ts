// The connections of a room, with their lag and their gaps, and a button to kick each one.
import { element, one, setText } from "../dom.ts";
import type { ConnectionInList } from "./answers.ts";
import { act } from "./api.ts";
import { bytes, count } from "./format.ts";
import { Rows } from "./rows.ts";

/** Returns a function that shows a list of connections. */
export function connectionList(
  main: HTMLElement,
  room: string,
  failed: (error: unknown) => void,
): (connections: readonly ConnectionInList[]) => void {
  const rows = new Rows(one(main, "#connections", HTMLTableSectionElement));
  const none = one(main, "#no-connections", HTMLElement);
  const kick = (id: string) => kickButton(room, id, failed);
  return (connections) => {
    none.hidden = connections.length > 0;
    rows.set(connections.map((one) => ({ key: one.connection, cells: cellsOf(one, room, kick) })));
  };
}

function cellsOf(one: ConnectionInList, room: string, kick: (id: string) => HTMLElement) {
  const isSource = one.role === "publish";
  const number = (value: number | undefined, show = count) => (value === undefined ? "–" : show(value));
  return [
    { label: "Connection", text: isSource ? `source of ${one.track}` : one.connection },
    { label: "Member", text: [one.subject, one.label].filter(Boolean).join(", ") || "–", className: "wide" },
    { label: "Object", text: one.at === room ? "origin" : one.at.slice(room.length + 1) },
    { label: "Frames", text: number(one.framesReceived ?? one.framesSent), className: "number" },
    { label: "Bytes", text: number(one.bytesReceived ?? one.bytesSent, bytes), className: "number" },
    { label: "Behind", text: number(one.framesBehind), className: "number" },
    { label: "In flight", text: number(one.bytesInFlight, bytes), className: "number" },
    { label: "Gaps", text: number(one.gaps), className: "number" },
    { label: "State", text: one.state ?? "sends" },
    { label: "", node: () => kick(one.connection) },
  ];
}

function kickButton(room: string, id: string, failed: (error: unknown) => void): HTMLElement {
  const button = element("button", { type: "button", "aria-label": `Kick ${id}` }, "Kick");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await act("DELETE", `/api/rooms/${room}/connections/${id}`);
      setText(button, "Kicked");
    } catch (error) {
      button.disabled = false;
      failed(error);
    }
  });
  return button;
}
