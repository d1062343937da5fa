// How many are there, told at most so often: a change is told at once, further ones are gathered.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Connection } from "./connection.ts";

/** The numbers of a room's connections. */
export interface Count {
  readonly subscribers: number;
  readonly publishers: number;
}

/** Those who are to be told. */
interface Crowd {
  readonly count: Count;
  readonly connections: Iterable<Connection>;
}

/** After a restart the subscribers of a room come back spread over so long: at most 800 a second. */
const RECONNECT_MS_PER_SUBSCRIBER = 1.25;
const MIN_RECONNECT_MS = 500;

/** Over how many ms the clients of a room spread their first retry. */
export function reconnectMs({ subscribers }: Count): number {
  return Math.max(MIN_RECONNECT_MS, Math.ceil(subscribers * RECONNECT_MS_PER_SUBSCRIBER));
}

/** What everybody is told. */
export function occupancyOf(count: Count): ServerMessage {
  return { type: "occupancy", ...count, reconnectMs: reconnectMs(count) };
}

/** Decides when a change is told. */
export class Occupancy {
  readonly #everyMs: number;
  #told: Count = { subscribers: 0, publishers: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** When `count` is to be told; undefined: it is known. ms since 1970. */
  dueAt(count: Count): number | undefined {
    const same = count.subscribers === this.#told.subscribers && count.publishers === this.#told.publishers;
    return same ? undefined : this.#toldAt + this.#everyMs;
  }

  /** Tells everybody, where it is time. Returns true if it did. */
  tell(now: number, { count, connections }: Crowd): boolean {
    const due = this.dueAt(count);
    if (due === undefined || due > now) return false;
    this.told(count, now);
    const text = JSON.stringify(occupancyOf(count));
    for (const connection of connections) if (connection.framed) connection.sendText(text);
    return true;
  }

  /** `count` was told; after sleep: is known. */
  told(count: Count, now: number): void {
    this.#told = count;
    this.#toldAt = now;
  }
}
