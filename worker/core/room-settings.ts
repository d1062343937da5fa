// The settings of a room's owner, within the operator's limits.
import type { Delivery } from "./attachment.ts";
import type { Tuning } from "./tuning.ts";

/**
 * The settings that an operator limits. As a limit, each is the largest value that a room may have. null: unlimited.
 */
export interface RoomLimits {
  readonly maxSubscribers: number;
  readonly maxPublishers: number;
  /** For all publishers together. Above it, they are held back; null: unlimited. */
  readonly bytesPerSecondIn: number | null;
  readonly historyBytes: number;
  readonly historySeconds: number;
  /** A room without connections is closed after this time; null: never. */
  readonly idleExpirySeconds: number | null;
  /** Older data is deleted from a recording. */
  readonly recordingSeconds: number;
  /** Above this limit for all tracks together, the oldest data is deleted. */
  readonly recordingBytes: number;
}

/** The tracks that are recorded, by their names. */
export type RecordingChoice = "off" | "all" | readonly string[];

/** The settings of a room as its owner sees them. */
export interface RoomSettings extends RoomLimits {
  readonly title: string;
  /** Anyone may subscribe without a token. */
  readonly public: boolean;
  /** Members learn who joins and leaves. */
  readonly presence: boolean;
  /** Members with the right `message` may send messages. */
  readonly memberMessages: boolean;
  /** The delivery of subscribers that request none. */
  readonly delivery: Delivery;
  /** The number of `reliable` subscribers at the same time. */
  readonly maxReliable: number;
  /** The maximum time for which one of them may hold the publisher back. */
  readonly reliableHoldSeconds: number;
  /** How late a `live` subscriber may be before it skips. */
  readonly latencySeconds: number;
  /** Origins of pages that may show the room's player in a frame; `*`: any. */
  readonly embedOrigins: readonly string[];
  readonly recording: RecordingChoice;
}

const DAY_SECONDS = 24 * 3600;

/**
 * The operator's default limits. History and send queues share the 128 MB of an object. Subscribers are those of the
 * whole room.
 */
export const DEFAULT_LIMITS: RoomLimits = {
  maxSubscribers: 1_000_000,
  maxPublishers: 16,
  bytesPerSecondIn: null,
  historyBytes: 32 * 1024 * 1024,
  historySeconds: 3600,
  idleExpirySeconds: null,
  recordingSeconds: 30 * DAY_SECONDS,
  recordingBytes: 1024 ** 4,
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
  embedOrigins: [],
  recording: "off",
  maxSubscribers: 1_000_000,
  maxPublishers: 16,
  bytesPerSecondIn: null,
  historyBytes: 12 * 1024 * 1024,
  historySeconds: 60,
  idleExpirySeconds: null,
  recordingSeconds: 7 * DAY_SECONDS,
  recordingBytes: 100 * 1024 ** 3,
};

const BOUNDED = Object.keys(DEFAULT_LIMITS) as (keyof RoomLimits)[];

/** The parts of `changes` that exceed the operator's limits, one line each. */
export function beyondLimits(changes: Partial<RoomSettings>, limits: RoomLimits): string[] {
  return BOUNDED.flatMap((name) => {
    const [value, limit] = [changes[name], limits[name]];
    if (value === undefined || limit === null || (value !== null && value <= limit)) return [];
    return [`settings.${name}: may be at most ${limit} here`];
  });
}

/** The settings in force: the owner's, or else the defaults; never beyond limits that were lowered since. */
export function inForce(said: Partial<RoomSettings>, limits: RoomLimits): RoomSettings {
  const bounded = Object.fromEntries(
    BOUNDED.map((name) => [name, least(said[name] ?? DEFAULTS[name], limits[name])]),
  ) as unknown as RoomLimits;
  return { ...DEFAULTS, ...said, ...bounded };
}

function least(value: number | null, limit: number | null): number | null {
  return value === null || limit === null ? (value ?? limit) : Math.min(value, limit);
}

/** True if the track is recorded. */
export function isRecorded({ recording }: Pick<RoomSettings, "recording">, track: string): boolean {
  return recording === "all" || (recording !== "off" && recording.includes(track));
}

/** The settings as the core's numbers. */
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
