// The console's entry: the operator's key, the view for the address, and its updates.
import { isRoomId } from "../protocol/names.ts";
import { forgetKey, keepKey, keyOfTab, Refused } from "./console/api.ts";
import { showOverview } from "./console/overview.ts";
import { showRoom } from "./console/room.ts";
import type { View } from "./console/view.ts";
import { one, setText, showTemplate } from "./dom.ts";

const forget = one(document, "#forget", HTMLButtonElement);
let view: View | undefined;
let timer = 0;
/** The number of the current view. Answers for earlier views are ignored. */
let shown = 0;

function show(): void {
  clearTimeout(timer);
  const current = ++shown;
  forget.hidden = keyOfTab() === undefined;
  document.title = "Roomcast console";
  if (keyOfTab() === undefined) return askForKey("");
  const room = /^#\/rooms\/([^/]+)$/.exec(location.hash)?.[1];
  const failed = (error: unknown) => current === shown && fail(error);
  view = room !== undefined && isRoomId(room) ? showRoom(room, failed) : showOverview(failed);
  void refresh(current);
}

async function refresh(current: number): Promise<void> {
  try {
    // A hidden tab sends no requests.
    if (document.visibilityState === "visible") await view?.refresh();
    if (current === shown) clearProblem();
  } catch (error) {
    if (current === shown) fail(error);
  }
  if (current === shown && keyOfTab() !== undefined) timer = setTimeout(() => void refresh(current), view?.everyMs);
}

function fail(error: unknown): void {
  if (error instanceof Refused && error.status === 401) {
    forgetKey();
    shown++;
    forget.hidden = true;
    return askForKey("This is not the operator key.");
  }
  const problem = document.querySelector("#problem");
  if (problem !== null) setText(problem, error instanceof Error ? error.message : String(error));
}

function clearProblem(): void {
  const problem = document.querySelector("#problem");
  if (problem !== null) setText(problem, "");
}

function askForKey(why: string): void {
  const main = showTemplate("key");
  const form = one(main, "form", HTMLFormElement);
  const input = one(form, "#operator-key", HTMLInputElement);
  setText(one(form, "#problem", HTMLElement), why);
  input.focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === "") return;
    keepKey(key);
    show();
  });
}

forget.addEventListener("click", () => {
  forgetKey();
  show();
});
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && keyOfTab() !== undefined) void refresh(shown);
});
show();
