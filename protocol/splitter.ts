// What cuts a byte stream into frames: one interface for every framing of the bridge.

/** A frame before it has a place: its payload (a view of what was pushed, where possible) and its flags (`Flag`). */
export interface SplitFrame {
  readonly payload: Uint8Array;
  readonly flags: number;
}

/**
 * Cuts one byte stream, incrementally. Payloads concatenated are the bytes pushed (`length32` and `lines`: without the
 * delimiters). A splitter holds back a bounded number of bytes and throws `ProtocolError` for what its framing forbids;
 * after that it must not be used again. Bytes pushed belong to the splitter: the caller must not change them.
 */
export interface Splitter {
  push(chunk: Uint8Array): SplitFrame[];
  /** The stream ended: what was held back. */
  end(): SplitFrame[];
}

/** The names of the framings, as the preamble and the static routes use them. */
export const FRAMINGS = ["raw", "length32", "lines", "mpegts", "fmp4", "mjpeg", "auto"] as const;
export type Framing = (typeof FRAMINGS)[number];
