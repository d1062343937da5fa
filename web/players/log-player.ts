// Shows text: rows that scroll and follow the newest one, with a search.
import { element, setText } from "../dom.ts";
import { type Latency, latencyOf, type Playback, type PlayerFrame } from "./playback.ts";
import type { Player } from "./player.ts";
import type { Rows } from "./rows.ts";

/** The number of rows to keep, and of rows that wait to be drawn. The oldest are removed. */
const MAX_ROWS = 2000;
/** The view follows new rows if it is this close to the end, in pixels. */
const AT_END_PX = 24;

const COUNT = new Intl.NumberFormat("en");

/** Draws a few times a second, however many rows arrive. */
export class LogPlayer implements Player {
  readonly element: HTMLElement;
  readonly sound = undefined;
  readonly popOut = undefined;
  readonly #rows: Rows;
  readonly #list: HTMLElement;
  readonly #search = element("input", {
    id: "search",
    type: "search",
    part: "search",
    "aria-label": "Search",
    placeholder: "Search",
  });
  readonly #count = element("span", { id: "count", class: "count" });
  readonly #newest = element("button", { id: "newest", type: "button", part: "button", hidden: "" }, "Newest");
  #waiting: string[] = [];
  #playback: Playback = { is: "waiting" };
  #seen = 0;
  #follows = true;
  #latency: Latency | undefined;

  constructor(rows: Rows, label: string) {
    this.#rows = rows;
    this.#list = element("div", {
      id: "log",
      part: "log",
      class: "log",
      role: "log",
      "aria-live": "off",
      "aria-label": label,
      tabindex: "0",
    });
    const bar = element("div", { class: "bar" }, this.#search, this.#count, this.#newest);
    this.element = element("div", { class: "text" }, bar, this.#list);
    this.#search.addEventListener("input", () => this.#filter());
    this.#newest.addEventListener("click", () => this.#follow(true));
    this.#list.addEventListener("scroll", () => this.#follow(this.#isAtEnd), { passive: true });
  }

  get playback(): Playback {
    return this.#playback;
  }

  isShowing(): boolean {
    return this.#playback.is === "playing";
  }

  latency(): Latency | undefined {
    return this.#latency;
  }

  take(frame: PlayerFrame): void {
    this.#add(this.#rows.take(frame.payload));
    this.#latency = latencyOf(frame, Date.now());
  }

  breakOff(): void {
    this.#add(this.#rows.breakOff());
  }

  caughtUp(): void {}

  /** Rows that arrive meanwhile wait, up to a limit. */
  pause(): void {
    this.#playback = { is: "paused" };
  }

  resume(): void {
    this.#playback = this.#seen === 0 ? { is: "waiting" } : { is: "playing" };
    this.#follow(true);
  }

  tick(): void {
    if (this.#playback.is === "paused" || this.#waiting.length === 0) return;
    const drawn = this.#waiting.map((text) => this.#rows.draw(text));
    this.#waiting = [];
    this.#playback = { is: "playing" };
    this.#hideOthers(drawn);
    this.#list.append(...drawn);
    while (this.#list.childElementCount > MAX_ROWS) this.#list.firstElementChild?.remove();
    this.#tellCount();
    if (this.#follows) this.#follow(true);
  }

  destroy(): void {
    this.element.remove();
  }

  #add(rows: readonly string[]): void {
    this.#seen += rows.length;
    this.#waiting.push(...rows.slice(-MAX_ROWS));
    if (this.#waiting.length > MAX_ROWS) this.#waiting = this.#waiting.slice(-MAX_ROWS);
  }

  get #isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  #follow(follows: boolean): void {
    this.#follows = follows;
    this.#newest.hidden = follows;
    if (follows && !this.#isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #filter(): void {
    this.#hideOthers(this.#list.children);
    this.#tellCount();
    this.#follow(true);
  }

  /** Hides rows that do not contain the search text. */
  #hideOthers(rows: Iterable<Element>): void {
    const wanted = this.#search.value.toLowerCase();
    for (const row of rows) (row as HTMLElement).hidden = !row.textContent.toLowerCase().includes(wanted);
  }

  #tellCount(): void {
    const shown = this.#list.querySelectorAll(":scope > :not([hidden])").length;
    const of = this.#list.childElementCount;
    const kept = of < this.#seen ? `the last ${COUNT.format(of)} of ${COUNT.format(this.#seen)}` : COUNT.format(of);
    setText(this.#count, this.#search.value === "" ? kept : `${COUNT.format(shown)} of ${kept}`);
  }
}
