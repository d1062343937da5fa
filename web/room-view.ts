// The page of a room: the player, the state of the room, and the tools that the link's rights allow.
import { type Access, accessOf } from "./access.ts";
import { renderBoard, renderTracks } from "./board.ts";
import { one, setText, showTemplate } from "./dom.ts";
import { ownedRoom } from "./owned-rooms.ts";
import { roomLink } from "./page-address.ts";
import type { StateDetail } from "./player-element.ts";
import { RoomApi, type Settings } from "./room-api.ts";
import { RoomcastPlayer } from "./roomcast-player.ts";
import { Talk } from "./talk.ts";
import { may } from "./token-claims.ts";

const ONLY_SHARING = "This link is only for sharing into the room. It does not allow you to watch.";

/**
 * Shows a room. `token`: the token in the link. `refused` is called if there is no token and the room is not public.
 */
export function showRoom(id: string, token: string | undefined, refused: () => void): void {
  const main = showTemplate("watch");
  const access = accessOf(token, ownedRoom(id));
  setText(one(main, "#room", HTMLElement), id);
  const canWatch = token === undefined || access.watch !== undefined;
  const player = createPlayer(id, access.watch);
  if (canWatch) watch(main, player, access, refused);
  else shareOnly(main);
  if (access.publish !== undefined) void addStudio(main, id, access.publish, player);
  if (access.admin !== undefined) void addOwner(main, id, access.admin, (settings) => apply(main, id, settings));
}

/** A player for a room of this Worker. It is removed when the user leaves the page. */
export function createPlayer(room: string, token: string | undefined): RoomcastPlayer {
  const player = new RoomcastPlayer();
  player.setAttribute("src", location.origin);
  player.setAttribute("room", room);
  if (token !== undefined) player.setAttribute("token", token);
  addEventListener("pagehide", () => player.remove());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  // Keys that no other element uses go to the player, wherever the focus is.
  document.addEventListener("keydown", (event) => player.press(event));
  return player;
}

function watch(main: HTMLElement, player: RoomcastPlayer, access: Access, refused: () => void): void {
  const list = one(main, "#tracks", HTMLElement);
  const id = player.getAttribute("room") ?? "";
  const talk = new Talk(player);
  one(main, "#talk", HTMLElement).append(talk.element);
  player.addEventListener("update", () => {
    const { view } = player;
    if (view === undefined) return;
    const now = performance.now();
    renderBoard(main, view, now);
    renderTracks(list, view.room, now, (name) => player.setAttribute("track", name));
  });
  let isKnown = false;
  player.addEventListener("statechange", async (event) => {
    const { state, code } = (event as CustomEvent<StateDetail>).detail;
    if (state === "refused" && code === "unauthorized" && access.watch === undefined) return refused();
    if (isKnown || state === "connecting" || state === "refused") return;
    isKnown = true;
    if (access.watch === undefined) return offerLink(main, roomLink(location.origin, id), undefined);
    const settings = await new RoomApi(id, access.watch).settings().catch(() => undefined);
    if (settings === undefined) return;
    apply(main, id, settings);
    talk.allow(settings.memberMessages, may(access.watch, "message"));
    if (settings.public) offerLink(main, roomLink(location.origin, id), undefined);
    else if (access.handOn !== undefined) offerLink(main, roomLink(location.origin, id, access.handOn), access.handOn);
  });
  main.addEventListener("settings", (event) => {
    const { memberMessages } = (event as CustomEvent<Settings>).detail;
    talk.allow(memberMessages, access.watch !== undefined && may(access.watch, "message"));
  });
  one(main, "#stage", HTMLElement).append(player);
}

function shareOnly(main: HTMLElement): void {
  one(main, "#stage", HTMLElement).hidden = true;
  for (const part of main.querySelectorAll<HTMLElement>(".figures, .status, #details, h2")) part.hidden = true;
  const about = one(main, "#room-id", HTMLElement);
  about.hidden = false;
  setText(about, ONLY_SHARING);
}

/** Applies the settings to the page. */
function apply(main: HTMLElement, id: string, settings: Settings): void {
  const { title } = settings;
  const about = one(main, "#room-id", HTMLElement);
  setText(one(main, "#room", HTMLElement), title || id);
  document.title = `${title || id} · Roomcast`;
  if (about.textContent !== ONLY_SHARING) {
    about.hidden = title === "";
    setText(about, title === "" ? "" : `Room ${id}`);
  }
  main.dispatchEvent(new CustomEvent("settings", { detail: settings }));
}

function offerLink(main: HTMLElement, link: string, token: string | undefined): void {
  const button = one(main, "#share-link", HTMLButtonElement);
  button.hidden = false;
  button.addEventListener("click", async () => (await import("./link-dialog.ts")).showLink(link, token));
}

async function addStudio(main: HTMLElement, room: string, token: string, player: RoomcastPlayer): Promise<void> {
  const { Studio } = await import("./share/studio.ts");
  const freeTrack = (kind: string) => {
    const tracks = player.view?.room.tracks;
    const isFree = (name: string) => tracks?.get(name)?.source !== "online";
    return ["main", kind, `${kind}-2`, `${kind}-3`].find(isFree) ?? kind;
  };
  const studio = new Studio({ url: location.origin, room, token, freeTrack });
  one(main, "#share", HTMLElement).replaceChildren(studio.element);
}

async function addOwner(
  main: HTMLElement,
  room: string,
  admin: string,
  changed: (settings: Settings) => void,
): Promise<void> {
  const { showOwner } = await import("./owner/panel.ts");
  showOwner(one(main, "#owner", HTMLElement), { room, admin, changed });
}
