// The origin's control of its relays: it opens and closes them, assigns their tasks, and takes their reports.
import type { ReportedLoad } from "../../protocol/link.ts";
import type { Address } from "../../protocol/messages.ts";
import type { Assignment } from "./assignment.ts";
import { Assignments, type RoomPart } from "./assignments.ts";
import { move } from "./drain.ts";
import { earliest } from "./earliest.ts";
import { Growth, type GrowthAction } from "./growth.ts";
import type { GrowthLimits } from "./growth-limits.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { LinkNews } from "./links.ts";
import type { Placement } from "./placement.ts";
import type { Region } from "./region.ts";
import { forgetRelay, readRelays, writeRelay } from "./relay-rows.ts";
import type { RoomNode } from "./room-node.ts";

/** The origin's calls to its relays. None of them throws. */
export interface RelaysShell {
  /** Sends a relay its assignment; `assigned` or `notAssigned` follows. */
  assign(relay: string, assignment: Assignment): void;
  /** The relay is no longer one; `isOver`: the room is closed, too. */
  dismiss(relay: string, isOver: boolean): void;
  /** The relay moves this number of its subscribers elsewhere. */
  move(relay: string, count: number): void;
}

/** How often the origin checks its own load: while frames arrive, and while subscribers come and go. */
const LOOK_MS = 1000;
const NEWS_MS = 250;

/** A room with fewer subscribers sets no timer for that. */
const FEW = 50;

/** The relays of one room. Times are ms since 1970. */
export class Relays {
  readonly #room: string;
  readonly #kv: KeyValueStore;
  readonly #node: RoomNode;
  readonly #shell: RelaysShell;
  readonly #limits: () => GrowthLimits;
  readonly #growth: Growth;
  readonly #assignments: Assignments;
  /** Relays whose rows have to be written or deleted. */
  readonly #unsaved = new Set<string>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Subscribers have come or gone since. */
  #isStale = false;

  constructor(
    room: string,
    kv: KeyValueStore,
    node: RoomNode,
    limits: () => GrowthLimits,
    shell: RelaysShell,
    roomPart: () => RoomPart,
    now: number,
  ) {
    this.#room = room;
    this.#kv = kv;
    this.#node = node;
    this.#shell = shell;
    this.#limits = limits;
    const rows = readRelays(kv);
    this.#growth = new Growth(room, limits, rows, now);
    this.#assignments = new Assignments(room, rows, shell, roomPart);
    this.#node.registry.isSpread = rows.length > 0;
    this.#node.links.set(now, this.#assignments.childrenOf(room), false);
  }

  get ids(): string[] {
    return this.#growth.rows.map(({ id }) => id);
  }

  /** The load of each object of the room, for the API. */
  tree(now: number) {
    return { origin: this.#node.load(now), relays: this.#growth.tree };
  }

  has(relay: string): boolean {
    return this.#assignments.has(relay);
  }

  /** The relay that has the connection, by the connection's id; undefined: the origin, if any object has it. */
  holderOf(connection: string): string | undefined {
    const at = connection.indexOf("~");
    const relay = at < 0 ? "" : this.#room + connection.slice(at);
    return this.has(relay) ? relay : undefined;
  }

  /** The relays that may have the address. */
  holdersOf(to: Address): string[] {
    if (typeof to === "string" || !("connection" in to)) return this.ids;
    const relay = this.holderOf(to.connection);
    return relay === undefined ? [] : [relay];
  }

  /**
   * The placement of a newcomer from `region`; `newcomers` and `refused`: the Worker's report since its last question.
   */
  place(now: number, region: Region, newcomers?: number, refused?: readonly string[]): Placement | "origin" | "full" {
    // The operator wants rooms of one object: they accept as many as the settings allow.
    if (this.#limits().maxRelays === 0 && !this.#node.registry.isSpread) return "origin";
    this.look(now, true);
    const placement = this.#growth.place(now, region, newcomers, refused);
    this.#decide(now);
    return placement;
  }

  /** The origin's own load may have changed. `isNews`: not only because of frames. */
  look(now: number, isNews: boolean): void {
    const everyMs = isNews ? NEWS_MS : LOOK_MS;
    if (now - this.#lookedAt < everyMs) {
      this.#isStale ||= isNews;
      return;
    }
    this.#lookedAt = now;
    this.#isStale = false;
    this.#growth.own(now, this.#node.load(now), this.#byRegion(), this.#node.hub.isOnline);
    this.#decide(now);
  }

  /** A link to a relay, or the load below it, has changed. */
  hear(now: number, relay: string, news: LinkNews | readonly ReportedLoad[]): void {
    if (typeof news === "string") this.#growth.linked(now, relay, news);
    else for (const load of news) this.#report(now, relay, load);
    this.#decide(now);
  }

  /** The policy for relays changed: settings or revocations. */
  policyChanged(now: number): void {
    this.#assignments.policyChanged(now);
  }

  assigned(now: number, relay: string, version: number): void {
    this.#assignments.assigned(relay, version);
    this.#assignments.tick(now);
    this.#relink(now);
  }

  notAssigned(now: number, relay: string): void {
    this.#assignments.failed(now, relay);
  }

  /** The room is closed, and so are all its relays. */
  dismissAll(): void {
    for (const id of this.ids) this.#shell.dismiss(id, true);
  }

  get dueAt(): number | undefined {
    const isLarge = this.#node.registry.isSpread || this.#node.registry.count.subscribers >= FEW;
    const lookAt = this.#isStale && isLarge ? this.#lookedAt + NEWS_MS : undefined;
    return earliest([this.#growth.dueAt, this.#assignments.dueAt, lookAt]);
  }

  tick(now: number): void {
    this.look(now, this.#isStale);
    this.#decide(now);
    this.#assignments.tick(now);
  }

  get isUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  /** Writes the rows of new or draining relays, and deletes those of closed relays. */
  save(): void {
    const rows = new Map(this.#growth.rows.map((row) => [row.id, row]));
    for (const id of this.#unsaved) {
      const row = rows.get(id);
      if (row === undefined) forgetRelay(this.#kv, id);
      else writeRelay(this.#kv, row);
      this.#unsaved.delete(id);
    }
  }

  #report(now: number, via: string, { id, ...load }: ReportedLoad): void {
    this.#growth.report(now, id, load);
    // The origin learns of its own children from their links; other relays exist if their parents report them.
    if (id !== via) this.#growth.linked(now, id, "up");
  }

  #decide(now: number): void {
    if ((this.#growth.dueAt ?? Number.POSITIVE_INFINITY) > now) return;
    for (const action of this.#growth.decide(now)) this.#do(now, action);
  }

  #do(now: number, action: GrowthAction): void {
    const { id } = action;
    if (action.do === "move") {
      if (id === this.#room) move(this.#node, now, action.count);
      else this.#shell.move(id, action.count);
      return;
    }
    this.#unsaved.add(id);
    if (action.do === "open") this.#assignments.add(now, id);
    if (action.do === "drain") this.#assignments.drain(now, id, action.overMs);
    if (action.do === "close") {
      this.#assignments.remove(now, id);
      this.#shell.dismiss(id, false);
    }
    this.#relink(now);
  }

  /** Dials the children that know their task. */
  #relink(now: number): void {
    this.#node.registry.isSpread = this.#growth.rows.length > 0;
    this.#node.links.set(now, this.#assignments.childrenOf(this.#room), true);
  }

  #byRegion(): Map<Region, number> {
    const counts = new Map<Region, number>();
    for (const { subscription } of this.#node.registry.subscribers.values()) {
      const { region = "any" } = subscription;
      counts.set(region, (counts.get(region) ?? 0) + 1);
    }
    return counts;
  }
}
