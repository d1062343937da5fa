// The framing `raw`: bytes without a structure that we know.
import { Flag } from "../frame.ts";
import type { SplitFrame, Splitter } from "../splitter.ts";
import { addPieces } from "./bytes.ts";

/** Largest frame of raw bytes. */
export const RAW_MAX_FRAME_BYTES = 64 * 1024;

/** Every chunk is a frame, or several; a newcomer can start at any of them. Holds nothing back and never fails. */
export function rawSplitter(): Splitter {
  return {
    failure: undefined,
    heldBytes: 0,
    isShapeless: true,
    push(chunk: Uint8Array): SplitFrame[] {
      const frames: SplitFrame[] = [];
      addPieces(frames, chunk, RAW_MAX_FRAME_BYTES, Flag.key, Flag.key);
      return frames;
    },
    end: () => [],
  };
}
