// The framing `raw`: bytes without a known structure.
import { Flag } from "../frame.ts";
import type { SplitFrame, Splitter } from "../splitter.ts";
import { addPieces } from "./bytes.ts";

/** Largest frame of raw bytes. */
export const RAW_MAX_FRAME_BYTES = 64 * 1024;

/** Every chunk is one or several frames. A newcomer can start at any of them. Holds nothing back and never fails. */
export function rawSplitter(): Splitter {
  return {
    failure: undefined,
    heldBytes: 0,
    isShapeless: true,
    format: undefined,
    push(chunk: Uint8Array): SplitFrame[] {
      const frames: SplitFrame[] = [];
      addPieces(frames, chunk, RAW_MAX_FRAME_BYTES, Flag.key, Flag.key);
      return frames;
    },
    end: () => [],
  };
}
