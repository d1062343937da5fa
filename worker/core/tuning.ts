// The numbers that a room works with. Each one is a bound or a delay, with its unit in the name.
import {
  PUBLISHER_GRACE_MS,
  PUBLISHER_SILENCE_MS,
  PUBLISHER_WINDOW_BYTES,
  SILENT_MS,
  STALLED_MS,
} from "../../protocol/limits.ts";
import type { Delivery } from "./attachment.ts";

/** What a room may use, and when it acts. */
export interface Tuning {
  /** History of all tracks together. With the send queues it must fit an object's 128 MB. */
  readonly historyBytes: number;
  /** Small messages are gathered up to this size; a subscriber that catches up gets so much in a turn. */
  readonly blockBytes: number;
  /** Older frames leave history, save those of the newest group. */
  readonly historyMs: number;
  /** Bytes that may sit in this process for one connection, or one message where nothing does. */
  readonly queueBytes: number;
  /** Bytes that may sit in this process for all connections together, those that are closing included. */
  readonly roomQueueBytes: number;
  /** How late a `live` subscriber may be before it skips to the newest group. */
  readonly lateMs: number;
  /** What is on its way is not late while it is less: a client need not ping for every message. */
  readonly lateFloorBytes: number;
  /** Bytes sent to a client that gives no sign of receiving, where the runtime cannot tell either. */
  readonly allowanceBytes: number;
  /** A subscriber that is late and gets nothing through for so long is closed. */
  readonly stalledMs: number;
  /** A framed connection that neither pings nor sends for so long is closed. */
  readonly silentMs: number;
  readonly publisherWindowBytes: number;
  readonly publisherSilenceMs: number;
  /** A publisher that is gone may come back within so long before subscribers are told that the source is offline. */
  readonly publisherGraceMs: number;
  /** Sends per second above which frames that arrive within `gatherMs` leave together. */
  readonly sendBudget: number;
  readonly gatherMs: number;
  readonly occupancyMs: number;
  /** A publisher waits while every subscriber is so far behind... */
  readonly burstBytes: number;
  /** ... but no longer than so. */
  readonly holdMs: number;
  /** How many `reliable` subscribers the room takes... */
  readonly maxReliable: number;
  /** ... and how long one of them may hold the publisher before it skips like others. */
  readonly reliableHoldMs: number;
  readonly maxSubscribers: number;
  readonly maxPublishers: number;
  /** Of all publishers together: above it they are held back. */
  readonly bytesPerSecondIn: number;
  readonly messagesPerSecondIn: number;
}

/** What holds where nobody says otherwise. */
export const DEFAULT_TUNING: Tuning = {
  historyBytes: 12 * 1024 * 1024,
  blockBytes: 256 * 1024,
  historyMs: 60_000,
  queueBytes: 1024 * 1024,
  roomQueueBytes: 20 * 1024 * 1024,
  lateMs: 5000,
  lateFloorBytes: 32 * 1024,
  allowanceBytes: 64 * 1024 * 1024,
  stalledMs: STALLED_MS,
  silentMs: SILENT_MS,
  publisherWindowBytes: PUBLISHER_WINDOW_BYTES,
  publisherSilenceMs: PUBLISHER_SILENCE_MS,
  publisherGraceMs: PUBLISHER_GRACE_MS,
  sendBudget: 15_000,
  gatherMs: 50,
  occupancyMs: 1000,
  burstBytes: 1024 * 1024,
  holdMs: 1000,
  maxReliable: 8,
  reliableHoldMs: 60_000,
  maxSubscribers: 5000,
  maxPublishers: 16,
  bytesPerSecondIn: Number.POSITIVE_INFINITY,
  messagesPerSecondIn: 10_000,
};

/** `latest` does not let a second group begin to queue. */
const LATEST_MS = 500;
const LATEST_QUEUE_BYTES = 256 * 1024;

/** The numbers that hold for one subscriber's delivery. */
export function tuningFor(delivery: Delivery, tuning: Tuning): Tuning {
  if (delivery !== "latest") return tuning;
  return { ...tuning, lateMs: LATEST_MS, queueBytes: Math.min(LATEST_QUEUE_BYTES, tuning.queueBytes) };
}

/** How often a room in use renews its lease: a quarter of its idle time, within these. Each time costs two rows and ten seconds awake. */
export const LEASE_CHECK_MIN_MS = 30_000;
export const LEASE_CHECK_MAX_MS = 300_000;

/** A smaller message is copied behind others: its own buffer would cost more than the copy. */
export const COPY_BELOW_BYTES = 128 * 1024;

/** Messages that come within so long may share a segment of history: what is looked up or dropped by time is right to that. */
export const SEGMENT_MS = 1000;

/** Payloads of one track that are kept joined for plain subscribers; the oldest give way. */
export const PAYLOAD_CACHE_BYTES = 2 * 1024 * 1024;

/** Holes of one track: a newcomer is told each. What lies before the oldest that is kept leaves history. */
export const MAX_TRACK_HOLES = 256;

/** An `ack` goes out for so many bytes, or so many ms after the last one, else when the oldest unacknowledged message is so old. */
export const ACK_BYTES = 64 * 1024;
export const ACK_MS = 100;
export const ACK_DELAY_MS = 200;

/** A publisher that does not read its acks gets no more while so much waits for it; it is looked at again after so long. */
export const ACK_QUEUED_BYTES = 64 * 1024;
export const ACK_RETRY_MS = 1000;
