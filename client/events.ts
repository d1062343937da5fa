// The events that a subscriber's iterator yields.
import type { Json, MemberInfo, Sender, Undelivered } from "../protocol/messages.ts";
import type { RecordedGapReason } from "../protocol/recording.ts";

/** A position in a room. */
interface Place {
  /** The track's name. */
  readonly track: string;
  /** The identity of the track's numbering. */
  readonly epoch: string;
  /** The sequence number in the epoch. */
  readonly sequence: number;
}

/** A frame of the stream. In each epoch of a track, frames come in order, and each frame comes once. */
export interface FrameEvent extends Place {
  readonly type: "frame";
  /** Bits of `Flag`. */
  readonly flags: number;
  /** The publisher's clock, milliseconds since 1970. */
  readonly timestamp: number;
  /** A view into the message that contained it. Nobody else changes it. */
  readonly payload: Uint8Array;
}

/**
 * A copy of the data that a newcomer needs before any group (of fMP4: `ftyp` and `moov`). It has no place in the
 * stream.
 */
export interface InitEvent extends Place {
  readonly type: "init";
  /** A view into the message that contained it. */
  readonly payload: Uint8Array;
}

/** The content of the epoch, as its publisher declares it. There is no such event while the format is unknown. */
export interface FormatEvent {
  readonly type: "format";
  /** The track's name. */
  readonly track: string;
  readonly epoch: string;
  /** A MIME type with codecs; null: the format is no longer known. */
  readonly format: string | null;
}

/** Frames that will not come. */
export interface GapEvent {
  readonly type: "gap";
  /** The track's name. */
  readonly track: string;
  readonly epoch: string;
  /** The first missing sequence. */
  readonly from: number;
  /** The last missing sequence; null: up to the end of that epoch, which the room does not know. */
  readonly to: number | null;
  /**
   * `lagged`: you were too slow. `history`: the room no longer has them. `epoch`: that numbering is over. `ingest`:
   * they were dropped before they reached the room. `relay`: an object that serves a large room lost them. `store`: the
   * recording could not keep them. `unknown`: the room gave no reason.
   */
  readonly reason: RecordedGapReason;
}

/** The publisher ended the stream. `sequence` carries no data. */
export interface EndEvent extends Place {
  readonly type: "end";
}

/**
 * All frames before `sequence` came from the past; later frames are live. Comes if the subscriber started in the past.
 */
export interface CaughtUpEvent extends Place {
  readonly type: "caught-up";
}

/** Tells whether the track has a publisher. */
export interface SourceEvent {
  readonly type: "source";
  /** The track's name. */
  readonly track: string;
  readonly state: "online" | "offline";
}

/** The numbers of subscribers and publishers in the room, at most once a second. */
export interface OccupancyEvent {
  readonly type: "occupancy";
  readonly subscribers: number;
  readonly publishers: number;
}

/** Somebody in the room, or the application, sent a message. It has `body`, any JSON, or `bytes` in base64. */
export interface MessageEvent {
  readonly type: "message";
  readonly from: Sender;
  readonly body?: Json;
  readonly bytes?: string;
}

/**
 * Members that joined or left, if the room has presence. `full`: discard your earlier list. `left` contains ids of
 * connections.
 */
export interface PresenceEvent {
  readonly type: "presence";
  readonly full: boolean;
  readonly joined: readonly MemberInfo[];
  readonly left: readonly string[];
  /** The number of all members. The room names at most some hundred. */
  readonly total: number;
}

/** The result of a message that you sent: `id` is the value that `send` returned. `error` null: it was delivered. */
export interface DeliveryEvent {
  readonly type: "delivery";
  readonly id: number | null;
  readonly connections: number;
  /** Connections that were too far behind to receive it. */
  readonly skipped: number;
  readonly error: Undelivered | null;
}

/** The state of the connection, in order with the other events. After `lost`, it reconnects by itself. */
export interface ConnectionEvent {
  readonly type: "connection";
  readonly state: "connecting" | "open" | "lost";
  /** For `lost`: the name of the close, such as `room_full`. */
  readonly reason?: string;
}

/** A frame, or an event between frames. Later versions may add types: ignore those that you do not know. */
export type SubscriberEvent =
  | FrameEvent
  | InitEvent
  | FormatEvent
  | GapEvent
  | EndEvent
  | CaughtUpEvent
  | SourceEvent
  | OccupancyEvent
  | MessageEvent
  | PresenceEvent
  | DeliveryEvent
  | ConnectionEvent;
