// What cuts a byte stream into frames: one interface for every framing of the bridge.
import type { ProtocolError } from "./errors.ts";

/** A frame before it has a place: its payload (a view of what was pushed, where possible) and its flags (`Flag`). */
export interface SplitFrame {
  readonly payload: Uint8Array;
  readonly flags: number;
}

/**
 * Cuts one byte stream, incrementally. Payloads concatenated are the bytes pushed (`length32` and `lines`: without the
 * delimiters). A splitter holds back a bounded number of bytes. For what its framing forbids it returns the frames that
 * it cut before, then has a `failure`, which every further call throws; without such frames the call itself throws it.
 * Bytes pushed belong to the splitter: the caller must not change them.
 */
export interface Splitter {
  /** What the framing forbids was found; nothing more can be pushed. */
  readonly failure: ProtocolError | undefined;
  /** Bytes held back for a frame that is not complete. */
  readonly heldBytes: number;
  /** Any cut is as good as another (`raw`): bytes may be gathered before they are pushed. */
  readonly isShapeless: boolean;
  push(chunk: Uint8Array): SplitFrame[];
  /** The stream ended: what was held back. */
  end(): SplitFrame[];
}

/** The names of the framings, as the preamble and the static routes use them. */
export const FRAMINGS = ["raw", "length32", "lines", "mpegts", "fmp4", "mjpeg", "auto"] as const;
export type Framing = (typeof FRAMINGS)[number];

/** True where a frame may be as small as what delimits it: one push may give as many frames as it has bytes. */
export function isOfRecords(framing: Framing): boolean {
  return framing === "length32" || framing === "lines";
}
