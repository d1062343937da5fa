// The numbers that control a room. Each is a limit or a delay, with its unit in the name.
import {
  PUBLISHER_GRACE_MS,
  PUBLISHER_SILENCE_MS,
  PUBLISHER_WINDOW_BYTES,
  SILENT_MS,
  STALLED_MS,
} from "../../protocol/limits.ts";
import type { Delivery } from "./attachment.ts";

/** The limits and delays of a room. */
export interface Tuning {
  /** History of all tracks together. With the send queues it must fit an object's 128 MB. */
  readonly historyBytes: number;
  /**
   * Small messages are gathered up to this size, and a subscriber that catches up gets this much in a turn. Its halves
   * and quarters hold 2 and 1 frames of 64 KiB with their headers.
   */
  readonly blockBytes: number;
  /** Older frames leave history, except those of the newest group. */
  readonly historyMs: number;
  /** Bytes that may be queued in this process for one connection, or one message if none is queued. */
  readonly queueBytes: number;
  /** Bytes that may be queued in this process for all connections together, including closing ones. */
  readonly roomQueueBytes: number;
  /** How late a `live` subscriber may be before it skips to the newest group. */
  readonly lateMs: number;
  /** Fewer bytes on their way are never late: a client need not ping for every message. */
  readonly lateFloorBytes: number;
  /** Bytes that may be sent to a client that gives no sign of receiving, if the runtime cannot tell either. */
  readonly allowanceBytes: number;
  /** A late subscriber that nothing gets through to for this long is closed. */
  readonly stalledMs: number;
  /** A framed connection that neither pings nor sends for this long is closed. */
  readonly silentMs: number;
  readonly publisherWindowBytes: number;
  readonly publisherSilenceMs: number;
  /** If a publisher leaves, it may return within this time before subscribers learn that the source is offline. */
  readonly publisherGraceMs: number;
  /** Sends per second above which frames that arrive within `gatherMs` are sent together. */
  readonly sendBudget: number;
  readonly gatherMs: number;
  readonly occupancyMs: number;
  /** A publisher waits while every subscriber is this far behind. */
  readonly burstBytes: number;
  /** The longest time that it waits. */
  readonly holdMs: number;
  /** The number of `reliable` subscribers that the room accepts. */
  readonly maxReliable: number;
  /** How long one of them may hold the publisher before it skips like others. */
  readonly reliableHoldMs: number;
  /** For the whole room. */
  readonly maxSubscribers: number;
  readonly maxPublishers: number;
  /** For all publishers together: above it, they are held back. */
  readonly bytesPerSecondIn: number;
  readonly messagesPerSecondIn: number;
}

/** The default numbers. */
export const DEFAULT_TUNING: Tuning = {
  historyBytes: 12 * 1024 * 1024,
  blockBytes: 260 * 1024,
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
  maxSubscribers: 1_000_000,
  maxPublishers: 16,
  bytesPerSecondIn: Number.POSITIVE_INFINITY,
  messagesPerSecondIn: 10_000,
};

/** With `latest`, a second group does not begin to queue. */
const LATEST_MS = 500;
const LATEST_QUEUE_BYTES = 256 * 1024;

/** The numbers for one subscriber's delivery. */
export function tuningFor(delivery: Delivery, tuning: Tuning): Tuning {
  if (delivery !== "latest") return tuning;
  return { ...tuning, lateMs: LATEST_MS, queueBytes: Math.min(LATEST_QUEUE_BYTES, tuning.queueBytes) };
}

/** A relay that receives data pings its parent this long after the pong, and at once after this number of bytes. */
export const LINK_PING_MS = 250;
export const LINK_PING_BYTES = 256 * 1024;

/** A link carries the data of hundreds of subscribers: more may be on its way, and it is given up sooner. */
const LINK_QUEUE_BYTES = 4 * 1024 * 1024;
const LINK_STALLED_MS = 15_000;

/** The numbers for a link. */
export function linkTuning(tuning: Tuning): Tuning {
  const queueBytes = Math.max(tuning.queueBytes, Math.min(LINK_QUEUE_BYTES, tuning.roomQueueBytes / 4));
  return { ...tuning, queueBytes, stalledMs: Math.min(LINK_STALLED_MS, tuning.stalledMs) };
}

/**
 * How often a room in use renews its lease: a quarter of its idle time, within these bounds. Each renewal costs two
 * rows and ten seconds awake.
 */
export const LEASE_CHECK_MIN_MS = 30_000;
export const LEASE_CHECK_MAX_MS = 300_000;

/** A smaller message is copied behind others: its own buffer would cost more than the copy. */
export const COPY_BELOW_BYTES = 128 * 1024;

/**
 * Messages that arrive within this time may share a segment of history. Lookups and deletion by time have this
 * precision.
 */
export const SEGMENT_MS = 1000;

/** Joined payloads of one track that are kept for plain subscribers; the oldest are dropped first. */
export const PAYLOAD_CACHE_BYTES = 2 * 1024 * 1024;

/**
 * Holes of one track, because a newcomer gets a message for each. Everything before the oldest kept one leaves history.
 */
export const MAX_TRACK_HOLES = 256;

/**
 * An `ack` is sent after this number of bytes, or this many ms after the last one, or when the oldest unacknowledged
 * message is this old.
 */
export const ACK_BYTES = 64 * 1024;
export const ACK_MS = 100;
export const ACK_DELAY_MS = 200;

/**
 * A publisher that does not read its acks gets no more while this many bytes wait for it. It is checked again after the
 * time below.
 */
export const ACK_QUEUED_BYTES = 64 * 1024;
export const ACK_RETRY_MS = 1000;
