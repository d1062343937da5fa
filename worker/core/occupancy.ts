// The occupancy, reported at a limited rate: a change is reported at once, further changes are gathered.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Connection } from "./connection.ts";

/** The numbers of a room's connections. */
export interface Count {
  readonly subscribers: number;
  readonly publishers: number;
}

/** The connections to report to. */
interface Crowd {
  /** The numbers in the whole room, and at this object. */
  readonly total: Count;
  readonly count: Count;
  listeners(): Iterable<Connection>;
}

/** After a restart, an object's subscribers reconnect spread over this time: at most 800 a second. */
const RECONNECT_MS_PER_SUBSCRIBER = 1.25;
const MIN_RECONNECT_MS = 500;

/** The ms over which the clients of an object spread their first retry. */
export function reconnectMs({ subscribers }: Count): number {
  return Math.max(MIN_RECONNECT_MS, Math.ceil(subscribers * RECONNECT_MS_PER_SUBSCRIBER));
}

function occupancyOf({ total, count }: Pick<Crowd, "total" | "count">): ServerMessage {
  return { type: "occupancy", ...total, reconnectMs: reconnectMs(count) };
}

/** Decides when a change is reported. */
export class Occupancy {
  readonly #everyMs: number;
  #told: Count = { subscribers: 0, publishers: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;
  /** One connection got another number than all others. */
  #differs = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** When `total` has to be reported; undefined: it is known. ms since 1970. */
  dueAt(total: Count): number | undefined {
    const same = total.subscribers === this.#told.subscribers && total.publishers === this.#told.publishers;
    return same && !this.#differs ? undefined : this.#toldAt + this.#everyMs;
  }

  /** Reports to all connections if it is time. Returns true if it did. */
  tell(now: number, crowd: Crowd): boolean {
    const due = this.dueAt(crowd.total);
    if (due === undefined || due > now) return false;
    this.told(crowd.total, now);
    const text = JSON.stringify(occupancyOf(crowd));
    for (const connection of crowd.listeners()) if (connection.framed) connection.sendText(text);
    return true;
  }

  /** Reports to one connection that joins, or whose own number has changed. */
  tellOne(connection: Connection, crowd: Crowd): void {
    if (this.dueAt(crowd.total) !== undefined) this.#differs = true;
    connection.tell(occupancyOf(crowd));
  }

  /** `total` was reported; after sleep: it is known. */
  told(total: Count, now: number): void {
    this.#told = total;
    this.#differs = false;
    this.#toldAt = now;
  }
}
