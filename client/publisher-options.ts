// The options and the figures of a publisher.
import type { Position } from "../protocol/position.ts";
import type { Token } from "./connection-options.ts";
import type { Environment } from "./environment.ts";

/** The values of `OnFull`. */
export const ON_FULL = ["block", "drop-group"] as const;
/**
 * The behaviour of `write` while the buffer is full. `block`: it waits. `drop-group`: it drops whole unsent groups, the
 * oldest first, and subscribers get a gap with the reason `ingest`. It waits only if there is no such group.
 */
export type OnFull = (typeof ON_FULL)[number];

/** Options of a publisher. */
export interface PublisherOptions {
  /** The http(s) base of the Worker: `https://rooms.example.com`. */
  readonly url: string;
  /** The room's id. */
  readonly room: string;
  /** Needs the right `publish`. */
  readonly token: Token;
  /** The track's name. Default: `main`. */
  readonly track?: string;
  /**
   * The track's format: a MIME type with codecs, such as `video/mp4;codecs="avc1.4d401f"`. Default: none. `setFormat`
   * changes it.
   */
  readonly format?: string;
  /**
   * When the room first accepts this publisher, it replaces the track's current publisher. Default: in that case, the
   * room refuses it (`track_busy`).
   */
  readonly takeover?: boolean;
  /**
   * Bytes of memory for written, unacknowledged frames: payloads, and 512 bytes a frame. Default 16 MiB. Above it,
   * `onFull` determines the behaviour of `write`.
   */
  readonly maxBufferBytes?: number;
  /** Default: `block`. */
  readonly onFull?: OnFull;
  /** Called whenever `bufferedBytes` of the stats changes, and with 0 at the end. */
  readonly onBuffered?: (bytes: number) => void;
  /** Where the client runs. Default: `platformEnvironment`. */
  readonly environment?: Environment;
}

/** Figures of a publisher since its creation. */
export interface PublisherStats {
  /** Bytes of written payloads. */
  readonly bytes: number;
  readonly frames: number;
  /** Bytes of memory of written, unacknowledged frames. */
  readonly bufferedBytes: number;
  /** Bytes on their way to the room, headers included. */
  readonly unackedBytes: number;
  /** Groups that `drop-group` dropped. */
  readonly droppedGroups: number;
  readonly droppedFrames: number;
  /** Bytes of the dropped payloads. */
  readonly droppedBytes: number;
  /** All frames below this position are in the room; undefined before the room accepted the publisher. */
  readonly acknowledged: Position | undefined;
  /** Connections after the first one. */
  readonly reconnects: number;
  /** True if the room accepts frames now. */
  readonly connected: boolean;
}
