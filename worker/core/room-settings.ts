// What the owner of a room may set, within what the operator allows.
import type { Delivery } from "./attachment.ts";
import type { Tuning } from "./tuning.ts";

/** The settings that an operator bounds: as a bound, the largest value that a room may have. null: unbounded. */
export interface RoomLimits {
  readonly maxSubscribers: number;
  readonly maxPublishers: number;
  /** Of all publishers together, above which they are held back; null: unlimited. */
  readonly bytesPerSecondIn: number | null;
  readonly historyBytes: number;
  readonly historySeconds: number;
  /** A room without connections is closed after so long; null: never. */
  readonly idleExpirySeconds: number | null;
}

/** The settings of a room as its owner sees them. */
export interface RoomSettings extends RoomLimits {
  readonly title: string;
  /** Anyone may subscribe without a token. */
  readonly public: boolean;
  /** Members are told who comes and goes. */
  readonly presence: boolean;
  /** Members who have the right `message` may send some. */
  readonly memberMessages: boolean;
  /** Of subscribers that name none. */
  readonly delivery: Delivery;
  /** `reliable` subscribers that may be there at once... */
  readonly maxReliable: number;
  /** ... and how long at most one of them may hold the publisher back. */
  readonly reliableHoldSeconds: number;
  /** How late a `live` subscriber may be before it skips. */
  readonly latencySeconds: number;
}

/** What holds where the operator says nothing. History and send queues share the 128 MB of an object. */
export const DEFAULT_LIMITS: RoomLimits = {
  maxSubscribers: 5000,
  maxPublishers: 16,
  bytesPerSecondIn: null,
  historyBytes: 32 * 1024 * 1024,
  historySeconds: 3600,
  idleExpirySeconds: null,
};

const DEFAULTS: RoomSettings = {
  title: "",
  public: false,
  presence: false,
  memberMessages: false,
  delivery: "live",
  maxReliable: 8,
  reliableHoldSeconds: 60,
  latencySeconds: 5,
  maxSubscribers: 5000,
  maxPublishers: 16,
  bytesPerSecondIn: null,
  historyBytes: 12 * 1024 * 1024,
  historySeconds: 60,
  idleExpirySeconds: null,
};

const BOUNDED = Object.keys(DEFAULT_LIMITS) as (keyof RoomLimits)[];

/** What of `changes` is beyond the operator's limits, one line each. */
export function beyondLimits(changes: Partial<RoomSettings>, limits: RoomLimits): string[] {
  return BOUNDED.flatMap((name) => {
    const [value, limit] = [changes[name], limits[name]];
    if (value === undefined || limit === null || (value !== null && value <= limit)) return [];
    return [`settings.${name}: at most ${limit} here`];
  });
}

/** The settings in force: what the owner said, else the defaults; never beyond limits that were lowered since. */
export function inForce(said: Partial<RoomSettings>, limits: RoomLimits): RoomSettings {
  const bounded = Object.fromEntries(
    BOUNDED.map((name) => [name, least(said[name] ?? DEFAULTS[name], limits[name])]),
  ) as unknown as RoomLimits;
  return { ...DEFAULTS, ...said, ...bounded };
}

function least(value: number | null, limit: number | null): number | null {
  return value === null || limit === null ? (value ?? limit) : Math.min(value, limit);
}

/** What they mean for the core's numbers. */
export function toCore(settings: RoomSettings): Partial<Tuning> {
  return {
    maxSubscribers: settings.maxSubscribers,
    maxPublishers: settings.maxPublishers,
    bytesPerSecondIn: settings.bytesPerSecondIn ?? Number.POSITIVE_INFINITY,
    historyBytes: settings.historyBytes,
    historyMs: settings.historySeconds * 1000,
    maxReliable: settings.maxReliable,
    reliableHoldMs: settings.reliableHoldSeconds * 1000,
    lateMs: settings.latencySeconds * 1000,
  };
}
