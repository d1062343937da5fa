// All rooms: sums, the last hour, the list, and the latest webhooks.
import { element, one, setText, showTemplate } from "../dom.ts";
import type { RoomInList, Rooms, Sample } from "./answers.ts";
import { get, getText } from "./api.ts";
import { DeliveryList } from "./delivery-list.ts";
import { ago, bitrate, count, dollars } from "./format.ts";
import { Plot, plotSamples } from "./plot.ts";
import { pill, Rows } from "./rows.ts";
import type { View } from "./view.ts";

const PAGE = 200;
const EVERY_MS = 5000;
/** The delay after the last key of a search. */
const SEARCH_MS = 300;

/** Shows the overview. */
export function showOverview(failed: (error: unknown) => void): View {
  const main = showTemplate("overview");
  const rooms = new RoomList(main, failed);
  const [viewers, bits] = [new Plot("Viewers", count), new Plot("Bytes in", bitrate)];
  one(main, "#plots", HTMLElement).append(viewers.element, bits.element);
  const deliveries = new DeliveryList(one(main, "#deliveries", HTMLElement), undefined, failed);
  const refresh = async () => {
    const [metrics, { samples }] = await Promise.all([
      getText("/metrics"),
      get<{ samples: Sample[] }>("/api/samples"),
      rooms.refresh(),
      deliveries.refresh(),
    ]);
    showSums(main, metrics);
    plotSamples(samples, viewers, bits, Date.now());
  };
  return { refresh, everyMs: EVERY_MS };
}

/** The list, with the pages requested so far. */
class RoomList {
  readonly #main: HTMLElement;
  readonly #rows: Rows;
  readonly #state: HTMLSelectElement;
  readonly #text: HTMLInputElement;
  readonly #more: HTMLButtonElement;
  #pages = 1;

  constructor(main: HTMLElement, failed: (error: unknown) => void) {
    this.#main = main;
    this.#rows = new Rows(one(main, "#rooms", HTMLTableSectionElement));
    this.#state = one(main, "#state", HTMLSelectElement);
    this.#text = one(main, "#text", HTMLInputElement);
    this.#more = one(main, "#more", HTMLButtonElement);
    const again = (pages: number) => {
      this.#pages = pages;
      this.refresh().catch(failed);
    };
    let timer = 0;
    this.#state.addEventListener("change", () => again(1));
    this.#text.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => again(1), SEARCH_MS);
    });
    this.#more.addEventListener("click", () => again(this.#pages + 1));
  }

  async refresh(): Promise<void> {
    const asked = this.#query;
    const rooms: RoomInList[] = [];
    let next: string | null = "";
    for (let page = 0; page < this.#pages && next !== null; page++) {
      const after: string = next === "" ? "" : `&after=${next}`;
      const answer: Rooms = await get<Rooms>(`/api/rooms?limit=${PAGE}${asked}${after}`);
      rooms.push(...answer.rooms);
      next = answer.next;
    }
    // The query has changed meanwhile.
    if (asked !== this.#query) return;
    this.#more.hidden = next === null;
    this.#show(rooms);
  }

  get #query(): string {
    const state = this.#state.value === "" ? "" : `&state=${this.#state.value}`;
    const text = this.#text.value.trim();
    return state + (text === "" ? "" : `&q=${encodeURIComponent(text)}`);
  }

  #show(rooms: readonly RoomInList[]): void {
    const now = Date.now();
    const none = one(this.#main, "#none", HTMLElement);
    none.hidden = rooms.length > 0;
    const isFiltered = this.#text.value.trim() !== "" || this.#state.value !== "open";
    setText(
      none,
      isFiltered ? "No room matches." : "No room is open. A new room appears here a few seconds after its creation.",
    );
    const ordered = [...rooms].sort((a, b) => rank(b) - rank(a) || b.subscribers - a.subscribers);
    this.#rows.set(
      ordered.map((room) => ({ key: `${room.room} ${stateOf(room)} ${room.title}`, cells: cellsOf(room, now) })),
    );
  }
}

function cellsOf(room: RoomInList, now: number) {
  const online = room.sources.filter((source) => source.online).map(({ track }) => track);
  const name = () => {
    const title = room.title === "" ? [] : [element("span", { class: "title" }, room.title)];
    return element("span", {}, element("a", { href: `#/rooms/${room.room}` }, room.room), ...title);
  };
  return [
    { label: "Room", node: name },
    { label: "State", node: () => pill(stateOf(room)) },
    { label: "Viewers", text: count(room.subscribers), className: "number" },
    { label: "Sources", text: online.length === 0 ? "–" : online.join(", "), className: "wide" },
    { label: "In", text: bitrate(room.bytesPerSecondIn), className: "number" },
    { label: "Relays", text: room.relays === 0 ? "–" : count(room.relays), className: "number" },
    { label: "Cost", text: dollars(room.cost.total), className: "number" },
    { label: "Per hour", text: room.cost.perHour === 0 ? "–" : dollars(room.cost.perHour), className: "number" },
    { label: "Reported", text: ago(room.seenAt, now) },
  ];
}

/** `live`: open, with a source. */
export function stateOf({ state, sources }: Pick<RoomInList, "state" | "sources">): string {
  return state === "open" && sources.some(({ online }) => online) ? "live" : state;
}

function rank(room: RoomInList): number {
  return stateOf(room) === "live" ? 2 : room.state === "open" ? 1 : 0;
}

function showSums(main: HTMLElement, metrics: string): void {
  const sum = (name: string) =>
    metrics
      .split("\n")
      .filter((line) => line.startsWith(`roomcast_${name} `) || line.startsWith(`roomcast_${name}{`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  const show = (id: string, text: string) => setText(one(main, `#${id}`, HTMLElement), text);
  show("open-rooms", count(sum('rooms{state="open"}')));
  show("sources", count(sum("sources_online")));
  show("viewers", count(sum("subscribers")));
  show("relays", count(sum("relays")));
  show("cost", dollars(sum("cost_dollars_total")));
  show("dead", count(sum('webhooks{status="dead"}')));
}
