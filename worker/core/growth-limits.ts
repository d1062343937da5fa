// The limits by which a room grows and shrinks, and the target number of subscribers of an object.
import { DEFAULT_TUNING, type Tuning } from "./tuning.ts";

/** The limits of the operator and the room. They may change at any time. */
export interface GrowthLimits {
  /** Subscribers of one object, however little it sends them. */
  readonly maxObjectSubscribers: number;
  /** Sends per second of one object. */
  readonly sendBudget: number;
  /** Bytes that one object may have queued for all of its connections. */
  readonly queueBytes: number;
  /** Relays of a room, including draining ones. 0: the room stays one object. */
  readonly maxRelays: number;
  /** Subscribers of the whole room. */
  readonly maxSubscribers: number;
  /**
   * A jurisdiction determines the location of objects: hints do not apply, and all subscribers belong to one region.
   */
  readonly hintsOff: boolean;
}

/** The operator's limits for rooms with several objects. */
export type RelayLimits = Pick<GrowthLimits, "maxObjectSubscribers" | "maxRelays" | "hintsOff">;

/** The limits that follow from a room's numbers. */
export function growthOf({
  sendBudget,
  roomQueueBytes,
  maxSubscribers,
}: Tuning): Omit<GrowthLimits, keyof RelayLimits> {
  return { sendBudget, queueBytes: roomQueueBytes, maxSubscribers };
}

/** The load of an object, as it reports it. Links that it feeds count as sends. */
export interface Load {
  readonly subscribers: number;
  readonly sendsPerSecond: number;
  readonly queuedBytes: number;
}

/**
 * The maximum for an object, however little it sends: 4.5 messages a second to each subscriber are 60 % of 15,000
 * sends. A heavier stream allows fewer: 450 if frames are gathered (20 a second), 300 at 30 frames a second.
 */
export const MAX_OBJECT_SUBSCRIBERS = 2000;

/**
 * The default number of relays of a room: 28,800 subscribers of a gathered stream, or 115,200 of a light one. It also
 * limits the cost of a room.
 */
export const MAX_RELAYS = 64;

/**
 * Links of one parent. Each costs it a send per frame, and a dial when it wakes; three levels are 1,057 relays a
 * region.
 */
export const MAX_LINKS = 32;

/** The target share of an object's budget: the rest is for newcomers that arrive before the next relay is up. */
export const BUSY_SHARE = 0.6;

/** Above this share of its budget, an object itself refuses newcomers. The rest is for bursts of the source. */
export const FULL_SHARE = 0.9;

/**
 * An object is busy after this time above its share: a key frame or a burst is over by then. Subscribers count at once,
 * because they stay.
 */
export const BUSY_MS = 5000;

/** A region shrinks while its relays have less than this share of their target: 30 % of the budget. */
export const LOW_SHARE = 0.5;

/**
 * A region shrinks after this time below its share: the breaks of a show and a restart of the source are over by then.
 */
export const LOW_MS = 300_000;

/** Remaining relays are filled to this share of their target, so a third more fits before the next relay opens. */
export const PACKED_SHARE = 0.75;

/** The interval between looks at a shrinking region: moved subscribers are reported by then. */
export const DRAIN_EVERY_MS = 60_000;

/** At most this part of a region's relays drains at the same time, so that a mistake moves few subscribers. */
export const DRAIN_PART = 8;

/** A draining relay spreads its subscribers over this time while the source runs; 2,000 are 33 a second. */
export const DRAIN_OVER_MS = 60_000;

/** A draining relay spreads its subscribers over this time while the source pauses, when nobody misses a frame. */
export const DRAIN_PAUSED_MS = 15_000;

/** A draining relay is not closed sooner: the message crosses an ocean, and its next report comes back. */
export const DRAINED_MS = 10_000;

/**
 * With this many newcomers from a region in a minute, it gets its own relay, with a link; fewer use a neighbour's
 * relay.
 */
export const FEW_SUBSCRIBERS = 50;

/**
 * Newcomers are expected for this time ahead: a relay is up after about 1 s, its first report arrives after another
 * second, and a placement is used for 2 s more. Excess capacity is drained later; too little makes newcomers wait.
 */
export const AHEAD_MS = 6000;

/** Relays that a region opens in one decision: as many as it has, and at least this number. */
export const OPEN_AT_LEAST = 4;

/** If a relay is not up within this time, it is not counted on: its region is unreachable. */
export const OPENING_MS = 10_000;

/** A relay without a link for this long has closed its subscribers and asked them to reconnect. */
export const LOST_MS = 30_000;

/** The interval for gathering decisions: a thousand relays report a thousand times a second. */
export const DECIDE_EVERY_MS = 250;

/** A Worker uses a placement for this long, so that an isolate rarely asks the origin. */
export const FRESH_MS = 5000;

/** In a storm, loads change within seconds, so a placement is used for a shorter time. */
export const STORM_FRESH_MS = 2000;

/**
 * Questions per second that the origin should answer. Above it, placements are used for longer, so that the number of
 * isolates does not matter.
 */
export const ASKS_PER_SECOND = 400;

/** The longest use of a placement: older weights are wrong. */
export const MAX_FRESH_MS = 10_000;

/** If there is no space yet, the Worker lets newcomers wait, and asks again after this time. */
export const HOLD_MS = 500;

/** If all relays of an answer refused newcomers, the Worker waits this long after the answer before it asks again. */
export const ASK_AGAIN_MS = 100;

/** Relays of one placement. The answer has about 2 KiB, and the next asker gets the next relays. */
export const MAX_PLACED = 32;

/** The time over which an origin or a relay that is over its budget moves the excess. */
export const MOVE_OVER_MS = 3000;

/** Assumed sends per second and subscriber before the room's stream has shown any: those of a gathered track. */
export const ASSUMED_SENDS = 1000 / DEFAULT_TUNING.gatherMs;

/**
 * The number of subscribers that fit in `share` of an object's budget in addition to `links`, if each costs `sends` per
 * second.
 */
export function roomFor(limits: GrowthLimits, share: number, sends: number, links: number): number {
  const fit = sends > 0 ? Math.floor((share * limits.sendBudget) / sends) - links : limits.maxObjectSubscribers;
  return Math.max(1, Math.min(limits.maxObjectSubscribers, fit));
}

/** True if the object uses more than `share` of its sends or its queue. */
export function isOver(limits: GrowthLimits, share: number, { sendsPerSecond, queuedBytes }: Load): boolean {
  return sendsPerSecond > share * limits.sendBudget || queuedBytes > share * limits.queueBytes;
}

/**
 * Decides whether an object is full for newcomers. Objects and growth use the same rule, so growth does not place
 * newcomers at full objects, as far as it knows.
 */
export function isFull(limits: GrowthLimits, load: Load): boolean {
  return load.subscribers >= limits.maxObjectSubscribers || isOver(limits, FULL_SHARE, load);
}
