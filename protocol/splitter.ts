// The interface for cutting a byte stream into frames, one for all framings of the bridge.
import type { ProtocolError } from "./errors.ts";

/** A frame before it has a place in a track. */
export interface SplitFrame {
  /** From a splitter: a view of the pushed bytes, if possible. */
  readonly payload: Uint8Array;
  /** Bits of `Flag`. */
  readonly flags: number;
}

/**
 * Cuts one byte stream incrementally. The concatenated payloads are the pushed bytes (`length32` and `lines`: without
 * the delimiters). A splitter holds back a limited number of bytes. If the bytes violate its framing, the splitter
 * returns the frames that it cut before the violation. It then has a `failure`, which every further call throws. If
 * there are no such frames, the call itself throws it. Pushed bytes belong to the splitter: the caller must not change
 * them.
 */
export interface Splitter {
  /** The violation of the framing that was found; no more bytes can be pushed. */
  readonly failure: ProtocolError | undefined;
  /** Bytes held back for an incomplete frame. */
  readonly heldBytes: number;
  /** True if every cut is equally good (`raw`), so that bytes may be gathered before they are pushed. */
  readonly isShapeless: boolean;
  /** The detected format of the stream, a MIME type with codecs; undefined while it is unknown. */
  readonly format: string | undefined;
  /** Returns the frames that this chunk completes. */
  push(chunk: Uint8Array): SplitFrame[];
  /** The stream ended: returns the bytes that were held back. */
  end(): SplitFrame[];
}

/** The names of the framings, as the preamble and the static routes use them. */
export const FRAMINGS = ["raw", "length32", "lines", "mpegts", "fmp4", "mjpeg", "webm", "auto"] as const;
/** The name of a framing. */
export type Framing = (typeof FRAMINGS)[number];

/** True if a frame may be as small as its delimiter, so that one push may return as many frames as it has bytes. */
export function isOfRecords(framing: Framing): boolean {
  return framing === "length32" || framing === "lines";
}
