// The owner's part of a room's page: links, connections, settings, and closing the room.
import { element, one, setText } from "../dom.ts";
import { forgetRoom } from "../owned-rooms.ts";
import { RoomApi, type Settings } from "../room-api.ts";
import { connectionList } from "./connections.ts";
import { linkList } from "./links.ts";
import { settingsForm } from "./settings.ts";

/** The room, and a callback for settings that were loaded or changed. */
export interface OwnerOptions {
  readonly room: string;
  readonly admin: string;
  readonly changed: (settings: Settings) => void;
}

/** Draws the panel below `root`. It sends no request until it is opened. */
export function showOwner(root: HTMLElement, { room, admin, changed }: OwnerOptions): void {
  const api = new RoomApi(room, admin);
  const problem = element("p", { id: "owner-problem", class: "problem", role: "alert" });
  const fail = (error: unknown) => setText(problem, error instanceof Error ? error.message : String(error));
  const details: HTMLDetailsElement = element(
    "details",
    { id: "manage", class: "panel" },
    element("summary", {}, element("h2", {}, "Manage this room")),
    problem,
    element(
      "div",
      { class: "sections" },
      linkList(room, admin, api, fail),
      connectionList(api, fail, () => details.open),
      settingsForm(api, changed),
      closing(room, api, fail),
    ),
  );
  root.replaceChildren(details);
}

function closing(room: string, api: RoomApi, fail: (error: unknown) => void): HTMLElement {
  const button = element("button", { id: "close-room", type: "button", class: "danger" }, "Close the room");
  const sure = element("div", { id: "close-sure", class: "row", hidden: "" });
  const yes = element("button", { id: "close-yes", type: "button", class: "danger" }, "Close permanently");
  const no = element("button", { type: "button" }, "Cancel");
  sure.append(element("p", {}, "This disconnects everybody, and the links stop working."), yes, no);
  const ask = (isAsking: boolean) => {
    button.hidden = isAsking;
    sure.hidden = !isAsking;
    (isAsking ? no : button).focus();
  };
  button.addEventListener("click", () => ask(true));
  no.addEventListener("click", () => ask(false));
  yes.addEventListener("click", async () => {
    try {
      await api.close();
      forgetRoom(room);
      setText(one(sure, "p", HTMLElement), "The room is closed.");
      yes.hidden = no.hidden = true;
    } catch (error) {
      fail(error);
    }
  });
  return element("section", {}, element("h3", {}, "End"), button, sure);
}
