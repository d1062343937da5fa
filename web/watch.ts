// The views of `/rooms/:room` and of its embedding, chosen by the address.
import { element, fieldProblem, one, setText, showTemplate } from "./dom.ts";
import { tokenOfFragment, tokenOfPaste } from "./page-address.ts";
import { createPlayer, showRoom } from "./room-view.ts";

/** Shows a room. If a token is missing and the room is not public, shows the form that asks for a token. */
export function showWatch(room: string): void {
  document.title = `${room} · Roomcast`;
  addEventListener("hashchange", () => location.reload());
  showRoom(room, tokenOfFragment(location.hash), () => askForToken(room));
}

/** Shows only the player, for a frame in another page. Without a token, the room has to be public. */
export function showEmbed(room: string): void {
  document.title = `${room} · Roomcast`;
  document.body.className = "embed";
  addEventListener("hashchange", () => location.reload());
  const title = element("h1", { class: "unseen" }, `Room ${room}`);
  document.body.replaceChildren(element("main", {}, title, createPlayer(room, tokenOfFragment(location.hash))));
}

function askForToken(room: string): void {
  const main = showTemplate("token");
  const form = one(main, "form", HTMLFormElement);
  const pasted = one(form, "#pasted", HTMLInputElement);
  setText(one(main, "#room", HTMLElement), room);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = tokenOfPaste(pasted.value);
    if (token !== undefined) location.hash = new URLSearchParams({ token }).toString();
    else fieldProblem(pasted, "This contains no token.");
  });
  pasted.focus();
}
