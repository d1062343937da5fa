// Decides how a room grows over many objects and shrinks again: from loads and the time to actions on its relays.
import { earliest } from "./earliest.ts";
import { wantedRegions } from "./growing.ts";
import {
  DECIDE_EVERY_MS,
  DRAIN_OVER_MS,
  DRAIN_PAUSED_MS,
  type GrowthLimits,
  LOST_MS,
  type Load,
  OPENING_MS,
} from "./growth-limits.ts";
import { GrowthState } from "./growth-state.ts";
import { Moving } from "./moving.ts";
import type { Placement } from "./placement.ts";
import { hold, Placing } from "./placing.ts";
import { REGIONS, type Region } from "./region.ts";
import { parentOf } from "./relay-id.ts";
import { type LinkState, NO_LOAD, type RelayNode, type RelayRow } from "./relay-tree.ts";
import { emptyRelays, Shrinking } from "./shrinking.ts";

/** The state of a relay in the API. `full` and `lagging` relays accept no newcomers at the moment. */
export type RelayState = "opening" | "open" | "full" | "lagging" | "lost" | "draining";

export type GrowthAction =
  /** Write its row; its parent dials it. A draining relay may be named again: it then accepts newcomers as before. */
  | { readonly do: "open"; readonly id: string; readonly region: Region }
  /** Write its row. It accepts no newcomers, and spreads its subscribers' reconnects over this time. */
  | { readonly do: "drain"; readonly id: string; readonly overMs: number }
  /** It is empty: close its link and delete its row. */
  | { readonly do: "close"; readonly id: string }
  /**
   * The object (the room's own object by the room's id) closes this number of its subscribers and asks them to
   * reconnect at once.
   */
  | { readonly do: "move"; readonly id: string; readonly count: number };

/** One relay as the API shows it. */
export interface RelayFigures {
  readonly id: string;
  readonly region: Region;
  readonly parent: string;
  readonly subscribers: number;
  readonly sendsPerSecond: number;
  readonly queuedBytes: number;
  readonly state: RelayState;
}

/**
 * Decides for one room. Only rows have to be stored; the rest is learned anew when the room comes back. It has no
 * timer: call `decide` when `dueAt` has come. Times are ms since 1970.
 */
export class Growth {
  readonly #state: GrowthState;
  readonly #shrinking = new Shrinking();
  readonly #moving: Moving;
  readonly #placing = new Placing();
  #generation: number;
  #now: number;
  #decidedAt = Number.NEGATIVE_INFINITY;
  /** True if something happened that may lead to a decision. */
  #isDirty: boolean;
  #timerAt: number | undefined;

  constructor(room: string, limits: () => GrowthLimits, rows: readonly RelayRow[], now: number) {
    this.#state = new GrowthState(room, limits, rows, now);
    this.#moving = new Moving(room);
    this.#generation = now;
    this.#now = now;
    this.#isDirty = rows.length > 0;
  }

  /** The origin's own load, its subscribers by region, and whether its source is online. */
  own(now: number, load: Load, byRegion: ReadonlyMap<Region, number>, isOnline: boolean): void {
    this.#state.setOwn(now, load, byRegion, isOnline);
    this.#happened(now);
  }

  /** A relay reported its load. Reports of relays below other relays are passed on one by one. */
  report(now: number, id: string, load: Load): void {
    const node = this.#state.tree.get(id);
    if (node === undefined) return;
    // A reporting relay has a link: its parent may have been away when the link came up.
    if (node.link !== "lagging") this.linked(now, id, "up");
    this.#state.report(now, node, load);
    this.#happened(now);
  }

  /**
   * The link to a relay is up, parked or lost, or it skips. Its parent reports this, whichever object that is. A lost
   * link affects the relays below it, until their parent reports each of them, or they report themselves.
   */
  linked(now: number, id: string, link: Exclude<LinkState, "opening">): void {
    const node = this.#state.tree.get(id);
    if (node === undefined || node.link === link) return;
    node.linked(now, link);
    if (link === "lost") for (const below of this.#state.tree.below(node)) below.linked(now, "lost");
    this.#changed(now);
  }

  /** The actions to take now. The caller executes all of them, in this order. */
  decide(now: number): GrowthAction[] {
    this.#now = now;
    this.#decidedAt = now;
    this.#isDirty = false;
    const actions = [...this.#close(now), ...this.#open(now), ...this.#move(now), ...this.#drain(now)];
    this.#timerAt = this.#nextLook(now);
    return actions;
  }

  /** When `decide` is needed; undefined: not before something happens. */
  get dueAt(): number | undefined {
    return earliest([this.#isDirty ? this.#decidedAt + DECIDE_EVERY_MS : undefined, this.#timerAt]);
  }

  /**
   * The placement for a newcomer from `region`: the room's own object, these relays, or none, because the room is full.
   * `newcomers`: the number of newcomers at the asking Worker since its last question, including this one; `refused`:
   * relays that refused newcomers meanwhile.
   */
  place(now: number, region: Region, newcomers = 1, refused: readonly string[] = []): Placement | "origin" | "full" {
    const state = this.#state;
    for (const id of refused) state.tree.get(id)?.refused(now);
    if (refused.length > 0) this.#placing.forget();
    const home = state.home(region);
    state.ask(now, home, newcomers);
    this.#happened(now);
    if (this.subscribers + state.ownComing >= state.limits.maxSubscribers) return "full";
    const placement = this.#placing.place(state, now, home, this.#generation);
    if (placement !== undefined) {
      this.#send(now, placement, newcomers);
      return placement;
    }
    if (this.#originTakes()) {
      state.ownComing++;
      return "origin";
    }
    return this.#mayHaveRoom(now) ? hold(this.#generation) : "full";
  }

  get rows(): RelayRow[] {
    return Array.from(this.#state.tree, ({ row }) => row);
  }

  /** Subscribers of the whole room, as far as they are reported. */
  get subscribers(): number {
    return this.#state.subscribers(this.#now);
  }

  get tree(): RelayFigures[] {
    return Array.from(this.#state.tree, (node) => {
      const { id, region } = node;
      const load = node.isGone(this.#now) ? NO_LOAD : node.load;
      return { id, region, parent: parentOf(id), ...load, state: this.#stateOf(node) };
    });
  }

  #close(now: number): GrowthAction[] {
    const closed = emptyRelays(this.#state, now);
    for (const node of closed) this.#state.tree.close(node);
    if (closed.length > 0) this.#changed(now);
    return closed.map(({ id }) => ({ do: "close", id }));
  }

  #open(now: number): GrowthAction[] {
    const { tree, limits } = this.#state;
    const opened: RelayNode[] = [];
    for (const region of wantedRegions(this.#state, now)) {
      const drains = tree.of(region).some(({ draining }) => draining);
      if (drains || tree.size < limits.maxRelays) opened.push(tree.open(now, region));
    }
    if (opened.length > 0) this.#changed(now);
    for (const node of opened) this.#shrinking.opened(node);
    return opened.map(({ id, region }) => ({ do: "open", id, region }));
  }

  #move(now: number): GrowthAction[] {
    return this.#moving.moves(this.#state, now).map((move) => ({ do: "move", ...move }));
  }

  #drain(now: number): GrowthAction[] {
    const drained = this.#shrinking.drains(this.#state, now);
    for (const node of drained) node.drain(now, true);
    if (drained.length > 0) this.#changed(now);
    const overMs = this.#state.own.isOnline ? DRAIN_OVER_MS : DRAIN_PAUSED_MS;
    return drained.map(({ id }) => ({ do: "drain", id, overMs }));
  }

  /** Once there are relays, the origin has to feed them, so it accepts no more than its target. */
  #originTakes(): boolean {
    const state = this.#state;
    if (!state.ownTakes) return false;
    const hasRelay = REGIONS.some((region) => state.tree.of(region)[0]?.takes);
    return !hasRelay || state.ownExpected < state.ownRoom;
  }

  /** True if some relay may accept newcomers in a moment. */
  #mayHaveRoom(now: number): boolean {
    const { tree, limits } = this.#state;
    if (tree.size < limits.maxRelays) return true;
    return Array.from(tree).some((node) => !node.takes && this.#state.spare(now, node) >= 1);
  }

  /** Counts placed newcomers as on their way, in proportion to the weights. */
  #send(now: number, { relays }: Placement, newcomers: number): void {
    const total = relays.reduce((sum, { weight }) => sum + weight, 0);
    for (const { id, weight } of relays) this.#state.tree.get(id)?.send(now, (newcomers * weight) / total);
  }

  /** A room without relays and below half of an object's target needs no decision. */
  #happened(now: number): void {
    this.#now = now;
    const { tree, ownExpected, ownRoom, ownBusyAt } = this.#state;
    if (tree.size > 0 || 2 * ownExpected >= ownRoom || ownBusyAt !== undefined) this.#isDirty = true;
  }

  #changed(now: number): void {
    this.#now = now;
    this.#isDirty = true;
    this.#generation = Math.max(now, this.#generation + 1);
  }

  /**
   * The next change that depends only on time. If the source pauses and all links are parked, there is none, and the
   * room sleeps.
   */
  #nextLook(now: number): number | undefined {
    const state = this.#state;
    const times = [state.ownBusyAt, this.#moving.dueAt(state, now)];
    let isAwake = state.own.isOnline;
    for (const node of state.tree) {
      if (node.link !== "parked") isAwake = true;
      times.push(node.busyAt, node.draining ? node.drainedAt : undefined);
      if (node.link === "opening") times.push(node.linkSince + OPENING_MS);
      if (node.link === "opening" || node.link === "lost") times.push(node.linkSince + LOST_MS);
    }
    if (isAwake) times.push(this.#shrinking.dueAt);
    return earliest(times.filter((time) => time !== undefined && time > now));
  }

  #stateOf(node: RelayNode): RelayState {
    if (node.draining) return "draining";
    if (node.link === "opening" || node.link === "lost" || node.link === "lagging") return node.link;
    return this.#state.spare(this.#now, node) >= 1 ? "open" : "full";
  }
}
