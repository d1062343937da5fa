// The current state of one room. The request wakes the room itself, so an idle room is refreshed rarely.
import { element, one, setText, showTemplate } from "../dom.ts";
import type { ConnectionInList, Relay, RoomDetail, Sample } from "./answers.ts";
import { get, getIndexed } from "./api.ts";
import { connectionList } from "./connections.ts";
import { DeliveryList } from "./delivery-list.ts";
import { bitrate, bytes, count, dollars, duration } from "./format.ts";
import { Owner } from "./owner.ts";
import { Plot, plotSamples } from "./plot.ts";
import type { View } from "./view.ts";

const EVERY_MS = 5000;
const IDLE_EVERY_MS = 60_000;
const SHOWN_CONNECTIONS = 200;
const HOUR_MS = 3_600_000;

interface Recording {
  readonly track: string;
  readonly bytes: number;
  readonly gaps: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly isLive: boolean;
}

/** Shows a room. */
export function showRoom(room: string, failed: (error: unknown) => void): View {
  const main = showTemplate("room-view");
  const path = `/api/rooms/${room}`;
  setText(one(main, "#title", HTMLElement), room);
  document.title = `${room} – Roomcast console`;
  const [viewers, bits] = [new Plot("Viewers", count), new Plot("Bytes in", bitrate)];
  one(main, "#plots", HTMLElement).append(viewers.element, bits.element);
  const deliveries = new DeliveryList(one(main, "#deliveries", HTMLElement), room, failed);
  const owner = new Owner(main, room, failed);
  const connections = connectionList(main, room, failed);
  const view = { everyMs: EVERY_MS, refresh };
  async function refresh(): Promise<void> {
    const [detail, listed, { samples }] = await Promise.all([
      get<RoomDetail>(path),
      get<{ connections: ConnectionInList[] }>(`${path}/connections?limit=${SHOWN_CONNECTIONS}`),
      getIndexed<{ samples: Sample[] }>(`/api/samples?room=${room}`, { samples: [] }),
      deliveries.refresh(),
      showRecordings(main, path),
    ]);
    const isLive = detail.tracks.some(({ source }) => source === "online");
    view.everyMs = isLive ? EVERY_MS : IDLE_EVERY_MS;
    show(main, detail, isLive);
    connections(listed.connections);
    owner.know(detail.settings);
    plotSamples(samples, viewers, bits, Date.now());
    setText(one(main, "#in", HTMLElement), bitrate(samples.at(-1)?.bytesPerSecondIn ?? 0));
  }
  return view;
}

function show(main: HTMLElement, detail: RoomDetail, isLive: boolean): void {
  const { title } = detail.settings;
  const set = (id: string, text: string) => setText(one(main, `#${id}`, HTMLElement), text);
  set("title", typeof title === "string" && title !== "" ? `${detail.room}: ${title}` : detail.room);
  set("state", isLive ? "live" : "open");
  one(main, "#state", HTMLElement).dataset.value = isLive ? "live" : "open";
  set("viewers", count(detail.subscribers));
  set("publishers", count(detail.publishers));
  set("received", bytes(detail.counters.bytesReceived));
  set("cost", detail.cost === undefined ? "–" : dollars(detail.cost.total));
  set("per-hour", detail.cost === undefined ? "–" : dollars(detail.cost.perHour));
  showTracks(one(main, "#tracks", HTMLElement), detail);
  one(main, "#tree", HTMLElement).replaceChildren(treeOf(detail.room, detail));
  showCost(one(main, "#parts", HTMLElement), detail);
}

function showTracks(list: HTMLElement, { tracks }: RoomDetail): void {
  const rows = tracks.map(({ name, source, format, historyBytes, next }) =>
    row(
      name,
      `${source}${format === null ? "" : `, ${format}`}, ${bytes(historyBytes)} of history, frame ${next ?? "–"}`,
    ),
  );
  list.replaceChildren(...(rows.length > 0 ? rows : [row("No track yet", "")]));
}

function showCost(list: HTMLElement, { cost }: RoomDetail): void {
  if (cost === undefined) return list.replaceChildren(row("Unknown", ""));
  const parts = Object.entries(cost.parts).map(([name, amount]) => row(name, dollars(amount)));
  const { awakeMs = 0, messages = 0, requests = 0, rowsWritten = 0, subscriberMs = 0 } = cost.usage;
  const used = `${duration(awakeMs)} awake, ${count(messages)} messages, ${count(requests)} requests, ${count(rowsWritten)} rows`;
  const hours = subscriberMs / HOUR_MS;
  const per = hours === 0 ? "–" : dollars((cost.total / hours) * 1000);
  list.replaceChildren(...parts, row("used", used), row("per 1,000 viewer-hours", per), row("prices of", cost.prices));
}

/** The object `id`, and the objects below it. */
function treeOf(id: string, { room, origin, relays }: RoomDetail): HTMLElement {
  const relay = relays.find((one) => one.id === id);
  const { subscribers, sendsPerSecond } = relay ?? origin;
  const text = `${count(subscribers)} viewers, ${count(sendsPerSecond)} sends/s${relay === undefined ? "" : `, ${relay.state}`}`;
  const name = id === room ? "origin" : id.slice(room.length + 1);
  const item = element("li", {}, element("strong", {}, name), " ", element("span", { class: "figure" }, text));
  const below = relays.filter((one: Relay) => one.parent === id);
  if (below.length > 0) {
    const items = below.map((one) => treeOf(one.id, { room, origin, relays } as RoomDetail));
    item.append(element("ul", {}, ...items));
  }
  return item;
}

/** Shows recordings if the Worker records and this room has any. */
async function showRecordings(main: HTMLElement, path: string): Promise<void> {
  const list = one(main, "#recordings", HTMLElement);
  const answer = await get<{ recordings?: Recording[] }>(`${path}/recordings`).catch(() => ({ recordings: [] }));
  const rows = (answer.recordings ?? []).map(({ track, from, to, isLive, ...one }) => {
    const time = (ms: number | null) => (ms === null ? "" : new Date(ms).toLocaleString("en"));
    const span = isLive ? `since ${time(from)}` : `${time(from)} to ${time(to)}`;
    return row(track, `${from === null ? "nothing stored yet" : span}, ${bytes(one.bytes)}, ${count(one.gaps)} gaps`);
  });
  list.replaceChildren(...(rows.length > 0 ? rows : [row("None", "")]));
}

function row(name: string, text: string): HTMLElement {
  return element("li", {}, element("span", {}, name), element("span", { class: "figure" }, text));
}
