// A room's use of billed resources, as sums since its creation.
import { number, record } from "./checked.ts";

/** All of the fields only grow. */
export interface Usage {
  /** Calls and upgrades of the room's objects, and their alarms. */
  readonly requests: number;
  /** Incoming WebSocket messages, also at relays. */
  readonly messages: number;
  /** The total time for which objects were awake. */
  readonly awakeMs: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  /** Messages put into the queue of events. */
  readonly queueMessages: number;
  /**
   * Bytes of recordings multiplied by the ms for which they have been stored; and the numbers of storage writes and
   * reads.
   */
  readonly storedByteMs: number;
  readonly storageWrites: number;
  readonly storageReads: number;
  /** Not billed: the time of subscribers that were served. */
  readonly subscriberMs: number;
  readonly bytesIn: number;
}

export const NO_USAGE: Usage = {
  requests: 0,
  messages: 0,
  awakeMs: 0,
  rowsWritten: 0,
  rowsRead: 0,
  queueMessages: 0,
  storedByteMs: 0,
  storageWrites: 0,
  storageReads: 0,
  subscriberMs: 0,
  bytesIn: 0,
};

export const USAGE_NAMES = Object.keys(NO_USAGE) as (keyof Usage)[];

/** Usage from storage or from a queue; unknown fields are 0. Throws `Malformed`. */
export function parseUsage(value: unknown): Usage {
  const fields = record(value);
  return Object.fromEntries(USAGE_NAMES.map((name) => [name, number(fields[name] ?? 0)])) as unknown as Usage;
}

export function minus(usage: Usage, before: Usage): Usage {
  return Object.fromEntries(USAGE_NAMES.map((name) => [name, usage[name] - before[name]])) as unknown as Usage;
}
