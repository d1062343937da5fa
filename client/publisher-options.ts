// What a publisher is told, and what it tells of itself.
import type { Position } from "../protocol/position.ts";
import type { Token } from "./connection-options.ts";
import type { Environment } from "./environment.ts";

/** Where a full buffer leaves its writer: waiting, or ahead, at the price of the oldest groups that were not sent. */
export const ON_FULL = ["block", "drop-group"] as const;
export type OnFull = (typeof ON_FULL)[number];

/**
 * `maxBufferBytes` (default 16 MiB) bounds the memory of what is written and not acknowledged, and counts 512 bytes a frame
 * besides its payload: `write` waits above it.
 */
export interface PublisherOptions {
  /** The http(s) base of the Worker. */
  readonly url: string;
  readonly room: string;
  readonly token: Token;
  readonly track?: string;
  /** Replaces the track's publisher, if it has one, when first accepted. */
  readonly takeover?: boolean;
  readonly maxBufferBytes?: number;
  /**
   * Default `block`. `drop-group`: above `maxBufferBytes` whole groups that were not sent are dropped, the oldest first,
   * and told as a gap with reason `ingest`; `write` waits only where there is none.
   */
  readonly onFull?: OnFull;
  /** Called whenever `bufferedBytes` has changed; 0 when it is over. */
  readonly onBuffered?: (bytes: number) => void;
  readonly environment: Environment;
}

/** Bytes and frames written (payloads); bytes buffered (memory) and on their way (headers included). */
export interface PublisherStats {
  readonly bytes: number;
  readonly frames: number;
  readonly bufferedBytes: number;
  readonly unackedBytes: number;
  /** By `drop-group`; bytes are those of payloads. */
  readonly droppedGroups: number;
  readonly droppedFrames: number;
  readonly droppedBytes: number;
  /** All below it is in the room. */
  readonly acknowledged: Position | undefined;
  readonly reconnects: number;
  readonly connected: boolean;
}
