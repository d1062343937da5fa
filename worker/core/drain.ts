// Moves subscribers to other objects of their room: a few at a time, so that no object gets all of them at once.
import { Close } from "../../protocol/close.ts";
import type { RoomNode } from "./room-node.ts";

/** At least this number moves in a step. */
const LEAST_PER_STEP = 5;
const STEP_MS = 500;

/** Empties an object. Times are ms since 1970. */
export class Drain {
  readonly #node: RoomNode;
  #perStep: number | undefined;
  #nextAt = 0;

  constructor(node: RoomNode) {
    this.#node = node;
  }

  /** All subscribers should move within about `overMs`. */
  begin(now: number, overMs: number): void {
    if (this.#perStep !== undefined) return;
    const steps = Math.max(1, overMs / STEP_MS);
    this.#perStep = Math.max(LEAST_PER_STEP, Math.ceil(this.#node.registry.count.subscribers / steps));
    this.#nextAt = now;
  }

  stop(): void {
    this.#perStep = undefined;
  }

  get dueAt(): number | undefined {
    return this.#perStep === undefined || this.#node.registry.count.subscribers === 0 ? undefined : this.#nextAt;
  }

  tick(now: number): void {
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return;
    this.#nextAt = now + STEP_MS;
    move(this.#node, now, this.#perStep ?? 0);
  }
}

/** Closes the newest `count` subscribers that any object may serve, with a code that asks them to reconnect at once. */
export function move(node: RoomNode, now: number, count: number): void {
  const movable = [...node.registry.subscribers.values()].filter(({ isReliable }) => !isReliable);
  const chosen = new Set(movable.slice(-count).map(({ id }) => id));
  if (count > 0) node.disconnect(now, Close.moved, (id) => chosen.has(id));
}
