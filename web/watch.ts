// The view of `/rooms/:room`: subscribes with the token of the fragment and shows what comes.
import { browserEnvironment } from "../client/browser.ts";
import { RefusedError, Subscriber } from "../client/index.ts";
import { renderBoard, renderTracks } from "./board.ts";
import { one, setText, showTemplate } from "./dom.ts";
import { tokenOfFragment, tokenOfPaste } from "./page-address.ts";
import { Room } from "./room-page.ts";
import { Stage } from "./stage.ts";

const RENDER_EVERY_MS = 250;

/** Shows a room; without a token, the form that asks for one. */
export function showWatch(room: string): void {
  document.title = `${room} · Roomcast`;
  addEventListener("hashchange", () => location.reload());
  const token = tokenOfFragment(location.hash);
  if (token === undefined) askForToken(room);
  else watch(room, token);
}

function askForToken(room: string): void {
  const main = showTemplate("token");
  const form = one(main, "form", HTMLFormElement);
  setText(one(main, "#room", HTMLElement), room);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = tokenOfPaste(one(form, "#pasted", HTMLInputElement).value);
    if (token !== undefined) location.hash = new URLSearchParams({ token }).toString();
    else setText(one(form, "#problem", HTMLElement), "This holds no token.");
  });
}

function watch(id: string, token: string): void {
  const main = showTemplate("watch");
  setText(one(main, "#room", HTMLElement), id);
  const room = new Room();
  const stage = new Stage(main);
  const url = location.origin;
  const subscriber = new Subscriber({ url, room: id, token, environment: browserEnvironment });
  const list = one(main, "#tracks", HTMLElement);
  const render = () => {
    const now = performance.now();
    stage.render(room);
    renderBoard(main, room, { ...subscriber.stats, latency: stage.latency, now });
    renderTracks(list, room, now, (name) => {
      room.choose(name);
      stage.select(room.selected);
      render();
    });
  };
  render();
  setInterval(render, RENDER_EVERY_MS);
  void follow(subscriber, room, stage);
  addEventListener("pagehide", () => subscriber.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

/** Hands the events to the room and the stage; returns when the room refused, or the page is left. */
async function follow(subscriber: Subscriber, room: Room, stage: Stage): Promise<void> {
  try {
    for await (const event of subscriber) {
      room.take(event, performance.now());
      stage.select(room.selected);
      if ("track" in event && event.track === room.selected?.name) stage.take(event);
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    room.connection = { is: "refused", code: error.code, status: error.status };
  }
}
