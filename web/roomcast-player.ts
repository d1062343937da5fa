// `/roomcast-player.js`, which the package exports as `roomcast/player`: defines <roomcast-player> in the page that
// loads it.
/**
 * `<roomcast-player>`: a player for pages. Importing the module defines the element.
 * @module roomcast/player
 */
import { RoomcastPlayer } from "./player-element.ts";

const { customElements: elements } = globalThis as Partial<Pick<Window, "customElements">>;
if (elements !== undefined && elements.get("roomcast-player") === undefined)
  elements.define("roomcast-player", RoomcastPlayer);

declare global {
  interface HTMLElementTagNameMap {
    "roomcast-player": RoomcastPlayer;
  }
}

export type { RoomcastPlayerEventMap, StateDetail } from "./player-element.ts";
export type { State } from "./room-page.ts";
export { RoomcastPlayer };
