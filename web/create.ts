// The view of `/`: creates a room, then shows its links and the commands to send into it. A reload shows them again.
import { isRoomId } from "../protocol/names.ts";
import { aboutCommands, commandsFor, parseIngest, SYSTEMS, type System } from "./commands.ts";
import { copyButton, element, fieldProblem, one, setText, showTemplate } from "./dom.ts";
import { keepRoom, type OwnedRoom, ownedRoom, ownedRooms } from "./owned-rooms.ts";
import { roomLink } from "./page-address.ts";
import { ApiError, ask } from "./room-api.ts";
import { expiryText } from "./token-claims.ts";

interface CreatedRoom {
  readonly room: string;
  readonly tokens: { readonly admin: string; readonly publish: string; readonly subscribe: string };
  readonly links: { readonly page: string; readonly websocket: string; readonly ingest: string | null };
}

const ROOM = /^#room=([\w-]+)$/;

/** Shows the form that creates a room, or a room that was created in this browser. */
export function showCreate(): void {
  document.title = "Roomcast";
  const main = showTemplate("create");
  const form = one(main, "form", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit(main, form);
  });
  const own = ownedRoom(ROOM.exec(location.hash)?.[1] ?? "");
  if (own !== undefined) showCreated(main, own);
  else listOwn(form);
}

function listOwn(form: HTMLFormElement): void {
  const rooms = ownedRooms();
  one(form, "#own-rooms", HTMLElement).hidden = rooms.length === 0;
  const items = rooms.map(({ room }) => element("li", {}, element("a", { href: `/rooms/${room}` }, room)));
  one(form, "#own-list", HTMLElement).replaceChildren(...items);
}

async function submit(main: HTMLElement, form: HTMLFormElement): Promise<void> {
  const id = one(form, "#room-id", HTMLInputElement);
  const key = one(form, "#operator-key", HTMLInputElement);
  const button = one(form, "button", HTMLButtonElement);
  const problem = one(form, "#problem", HTMLElement);
  const name = id.value.trim();
  const isWrong = name !== "" && !isRoomId(name);
  fieldProblem(
    id,
    isWrong ? "A room id has up to 64 letters, digits, - and _. It begins with a letter or a digit." : "",
  );
  fieldProblem(key, "");
  setText(problem, "");
  if (isWrong) return;
  button.disabled = true;
  try {
    showCreated(main, own(await createRoom(name, key.value.trim())));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { message, status } = error;
    if (status === 401 || status === 403) askForKey(form, key);
    else if (status === 409 || status === 400)
      fieldProblem(id, status === 409 ? "This id is taken. Choose another one." : message);
    else setText(problem, message);
  } finally {
    button.disabled = false;
  }
}

function askForKey(form: HTMLFormElement, key: HTMLInputElement): void {
  const given = key.value.trim() !== "";
  one(form, "#key-field", HTMLElement).hidden = false;
  fieldProblem(key, given ? "This is not the operator key." : "You need the operator key to create rooms here.");
}

async function createRoom(id: string, key: string): Promise<CreatedRoom> {
  const headers = { "Content-Type": "application/json", ...(key === "" ? {} : { Authorization: `Bearer ${key}` }) };
  const body = JSON.stringify(id === "" ? {} : { id });
  return (await ask("/api/rooms", { method: "POST", headers, body })) as CreatedRoom;
}

/** Stores a new room in this browser. */
function own({ room, tokens, links }: CreatedRoom): OwnedRoom {
  const given = [
    { name: "Viewers", token: tokens.subscribe },
    { name: "Publishers", token: tokens.publish },
  ];
  const created: OwnedRoom = { room, admin: tokens.admin, links: given, ingest: links.ingest };
  keepRoom(created);
  return created;
}

function showCreated(main: HTMLElement, owned: OwnedRoom): void {
  const { room, admin, links, ingest } = owned;
  const view = one(main, "#created", HTMLElement);
  const tokenOf = (name: string) => links.find((link) => link.name === name)?.token ?? "";
  one(main, "form", HTMLFormElement).hidden = true;
  view.hidden = false;
  history.replaceState(null, "", `/#room=${room}`);
  setText(one(view, "#created-title", HTMLElement), `Room ${room} is open`);
  // If the browser stores nothing, the link has to contain the owner's right.
  const isKept = ownedRoom(room) !== undefined;
  one(view, "#open-room", HTMLAnchorElement).href = isKept ? `/rooms/${room}` : roomLink(location.origin, room, admin);
  fill(view, "page-link", roomLink(location.origin, room, tokenOf("Viewers")));
  fill(view, "publish-link", roomLink(location.origin, room, tokenOf("Publishers")));
  const expiry = expiryText(admin);
  const kept = isKept ? "This browser remembers them until then." : "This browser cannot remember them: copy them now.";
  setText(one(view, "#expiry", HTMLElement), expiry === undefined ? "" : `The links work until ${expiry}. ${kept}`);
  showCommands(view, { room, token: tokenOf("Publishers"), worker: location.origin, ingest });
  one(view, "#created-title", HTMLElement).focus();
}

/** A command with a wrong address would be worse than none. */
const NO_INGEST =
  "This server has no address for producers: its operator has to set INGEST_URL. For OBS Studio, you run a bridge of your own.";

function showCommands(
  view: HTMLElement,
  target: { room: string; token: string; worker: string; ingest: string | null },
): void {
  const system = one(view, "#system", HTMLSelectElement);
  const to = parseIngest(target.ingest ?? "");
  const show = () => {
    const chosen = SYSTEMS.find((one) => one === system.value) ?? "linux";
    const offered = commandsFor(chosen, { ...target, to });
    setText(one(view, "#system-about", HTMLElement), offered.length > 0 ? aboutCommands(chosen, to) : NO_INGEST);
    const commands = offered.flatMap(({ id, title, text }) => {
      const button = element("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
      const source = element("pre", { id }, text);
      copyButton(button, source);
      return [element("h3", {}, title), element("div", { class: "copyable" }, source, button)];
    });
    one(view, "#commands", HTMLElement).replaceChildren(...commands);
  };
  system.value = systemOf(navigator.userAgent);
  system.addEventListener("change", show);
  show();
}

function systemOf(userAgent: string): System {
  if (userAgent.includes("Windows")) return "windows";
  return userAgent.includes("Mac OS") ? "mac" : "linux";
}

function fill(view: HTMLElement, id: string, text: string): void {
  const target = one(view, `#${id}`, HTMLElement);
  setText(target, text);
  copyButton(one(view, `button[data-copies="${id}"]`, HTMLButtonElement), target);
}
