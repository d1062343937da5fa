// The numbers that a room works with. Each one is a bound or a delay, with its unit in the name.
import { PUBLISHER_SILENCE_MS, PUBLISHER_WINDOW_BYTES, STALLED_MS } from "../../protocol/limits.ts";

/** What a room may use, and when it acts. */
export interface Tuning {
  /** History of all tracks together. With the send queues it must fit an object's 128 MB. */
  readonly historyBytes: number;
  /** Small messages that somebody catches up with are joined up to this size. */
  readonly blockBytes: number;
  /** Older frames leave history, save those of the newest group. */
  readonly historyMs: number;
  /** Bytes on their way that a `live` subscriber may always have... */
  readonly windowBytes: number;
  /** ... and beyond that, how far in time it may be behind. */
  readonly lagMs: number;
  /** Bytes that may sit in this process for one subscriber, whatever its lateness. */
  readonly heldBytes: number;
  /** Bytes that may sit in this process for all subscribers together before those above their share are paused. */
  readonly heldTotalBytes: number;
  /** Bytes sent to a client that gives no sign of receiving, where the runtime cannot tell either. */
  readonly allowanceBytes: number;
  readonly stalledMs: number;
  readonly publisherWindowBytes: number;
  readonly publisherSilenceMs: number;
  /** Sends per second above which frames that arrive within `gatherMs` leave together. */
  readonly sendBudget: number;
  readonly gatherMs: number;
  readonly occupancyMs: number;
  /** How long a publisher is held while every subscriber still has its data queued here. */
  readonly holdMs: number;
  readonly maxSubscribers: number;
  readonly maxPublishers: number;
  /** Of all publishers together: above it they are held back. */
  readonly bytesPerSecondIn: number;
  readonly messagesPerSecondIn: number;
}

/** What holds where nobody says otherwise. */
export const DEFAULT_TUNING: Tuning = {
  historyBytes: 16 * 1024 * 1024,
  blockBytes: 256 * 1024,
  historyMs: 60_000,
  windowBytes: 1024 * 1024,
  lagMs: 2000,
  heldBytes: 8 * 1024 * 1024,
  heldTotalBytes: 48 * 1024 * 1024,
  allowanceBytes: 64 * 1024 * 1024,
  stalledMs: STALLED_MS,
  publisherWindowBytes: PUBLISHER_WINDOW_BYTES,
  publisherSilenceMs: PUBLISHER_SILENCE_MS,
  sendBudget: 15_000,
  gatherMs: 50,
  occupancyMs: 1000,
  holdMs: 1000,
  maxSubscribers: 5000,
  maxPublishers: 16,
  bytesPerSecondIn: Number.POSITIVE_INFINITY,
  messagesPerSecondIn: 10_000,
};

/** How often a room in use renews its lease: a quarter of its idle time, within these. Each time costs two rows and ten seconds awake. */
export const LEASE_CHECK_MIN_MS = 30_000;
export const LEASE_CHECK_MAX_MS = 300_000;
