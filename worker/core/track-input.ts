// The input of a track from any sender: read, checked for continuity, without frames that the track already has.
import type { GapReason } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { FrameType, type FrameView, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import { MAX_GAP_FRAMES, MAX_SEQUENCE } from "../../protocol/limits.ts";
import type { Track } from "./track.ts";

/** The contents of a message: an init copy, frames that the track does not have, or nothing new. */
export type Incoming =
  | { readonly is: "init"; readonly payload: Uint8Array; readonly sequence: number }
  | { readonly is: "frames"; readonly bytes: Uint8Array; readonly frames: readonly FrameView[] }
  | { readonly is: "duplicate" };

/** One sender's input into one track. It checks and counts; `Track` keeps the frames. */
export class TrackInput {
  readonly track: Track;
  #framesReceived = 0;
  #duplicates = 0;

  constructor(track: Track) {
    this.track = track;
  }

  /** Frames that the track did not have. */
  get framesReceived(): number {
    return this.#framesReceived;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /**
   * Reads a message of frames: those that follow, without those that the track has. Throws `ProtocolError` (F1-F7, P3,
   * P6). If the track does not know its position, calls `wake` with the first sequence.
   */
  read(bytes: Uint8Array, wake: (sequence: number) => void): Incoming {
    const frames = readMessage(bytes);
    const first = this.#check(frames);
    if (first.type === FrameType.init)
      return { is: "init", payload: bytes.subarray(first.start, first.end), sequence: first.sequence };
    if (this.track.next === null) wake(first.sequence);
    return this.#withoutDuplicates(bytes, frames, first.sequence);
  }

  /** `from` to `to` will not come, for `reason`, so the track continues after them. Throws `ProtocolError` (P7). */
  skip(from: number, to: number, reason: GapReason): void {
    if (from !== this.track.next || to < from) {
      throw new ProtocolError("out_of_sequence", "a gap must begin at the next frame");
    }
    if (to > MAX_SEQUENCE || to - from >= MAX_GAP_FRAMES) {
      throw new ProtocolError(
        "control_invalid",
        `a gap may have at most ${MAX_GAP_FRAMES} frames, and must leave a sequence for a next frame`,
      );
    }
    this.track.skip(from, to, reason);
  }

  #check(frames: readonly FrameView[]): FrameView {
    const first = frames[0];
    if (first === undefined) throw new ProtocolError("frame_truncated", "a message must have frames");
    for (const [index, frame] of frames.entries()) {
      if (frame.track !== this.track.number) {
        throw new ProtocolError("frame_bad_track", `this connection publishes track ${this.track.number}`);
      }
      if (frame.type === FrameType.init && frames.length > 1) {
        throw new ProtocolError("frame_bad_type", "a frame of type 2 must be alone in its message");
      }
      if (frame.type === FrameType.frame && frame.sequence !== first.sequence + index) {
        throw new ProtocolError("out_of_sequence", "sequences must be consecutive");
      }
    }
    return first;
  }

  #withoutDuplicates(bytes: Uint8Array, frames: readonly FrameView[], sequence: number): Incoming {
    const next = this.track.next ?? sequence;
    if (sequence > next) throw new ProtocolError("out_of_sequence", `the next frame is ${next}`);
    const known = Math.min(next - sequence, frames.length);
    this.#duplicates += known;
    this.#framesReceived += frames.length - known;
    if (known === frames.length) return { is: "duplicate" };
    if (known === 0) return { is: "frames", bytes, frames };
    const cut = (frames[known]?.start ?? 0) - HEADER_BYTES;
    const rest = frames.slice(known).map((frame) => ({ ...frame, start: frame.start - cut, end: frame.end - cut }));
    return { is: "frames", bytes: bytes.subarray(cut), frames: rest };
  }
}
