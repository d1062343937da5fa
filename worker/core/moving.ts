// Decides which objects have more subscribers than they can serve, and how many of them move now.
import { BUSY_SHARE, isOver, type Load, MOVE_OVER_MS, roomFor } from "./growth-limits.ts";
import type { GrowthState } from "./growth-state.ts";

/** A load is a second old, and so is the effect of the last move on it. */
const MOVE_EVERY_MS = 1000;

/** A number of subscribers of the object `id` that move now. */
export interface Move {
  readonly id: string;
  readonly count: number;
}

/** An object that may be over its budget. */
interface Serving {
  readonly id: string;
  readonly load: Load;
  readonly links: number;
  /** Since when it has been over its share, if that is long enough to matter. */
  readonly busyAt: number | undefined;
}

/** Remembers the time of each object's last move. Times are ms since 1970. */
export class Moving {
  readonly #room: string;
  #movedAt = Number.NEGATIVE_INFINITY;

  constructor(room: string) {
    this.#room = room;
  }

  /** The excess over the budget moves within some seconds, as far as other objects have space. */
  moves(state: GrowthState, now: number): Move[] {
    if (now < this.#movedAt + MOVE_EVERY_MS) return [];
    let room = 0;
    for (const node of state.tree) if (node.takes) room += Math.floor(state.free(now, node));
    const moves: Move[] = [];
    for (const { id, load, links } of this.#over(state, now)) {
      const meant = roomFor(state.limits, BUSY_SHARE, state.rate.perSubscriber, links);
      const excess = Math.max(0, load.subscribers - meant);
      const count = Math.min(room, Math.ceil((excess * MOVE_EVERY_MS) / MOVE_OVER_MS));
      if (count < 1) continue;
      room -= count;
      moves.push({ id, count });
    }
    if (moves.length > 0) this.#movedAt = now;
    return moves;
  }

  /** When to look again; undefined: all objects are within their budgets. */
  dueAt(state: GrowthState, now: number): number | undefined {
    return this.#over(state, now).length > 0 ? now + MOVE_EVERY_MS : undefined;
  }

  #over(state: GrowthState, now: number): Serving[] {
    const { tree, own, ownLinks, ownBusyAt, limits } = state;
    const over: Serving[] = [];
    const look = (one: Serving) => {
      if (one.busyAt !== undefined && now >= one.busyAt && isOver(limits, 1, one.load)) over.push(one);
    };
    if (tree.size > 0) look({ id: this.#room, load: own.load, links: ownLinks, busyAt: ownBusyAt });
    for (const { id, load, children, busyAt, draining, isFed } of tree) {
      if (!draining && isFed) look({ id, load, links: children, busyAt });
    }
    return over;
  }
}
