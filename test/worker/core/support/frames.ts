// Messages of frames for tests of the core: each payload contains its frame's position.
import { encodeMessage, Flag, FrameType, readMessage } from "../../../../protocol/frame.ts";
import type { History } from "../../../../worker/core/history.ts";
import type { Track } from "../../../../worker/core/track.ts";

export interface MessageOptions {
  readonly key?: boolean;
  readonly bytes?: number;
  readonly flags?: number;
}

/** `count` frames from `first` on; with `key`, the first of them begins a group. */
export function message(first: number, count: number, options: MessageOptions = {}): Uint8Array<ArrayBuffer> {
  const frames = Array.from({ length: count }, (_, index) => ({
    type: FrameType.frame,
    flags: (options.flags ?? 0) | (options.key && index === 0 ? Flag.key : 0),
    track: 0,
    sequence: first + index,
    timestamp: 0,
    payload: new Uint8Array(options.bytes ?? 76).fill(first + index),
  }));
  return encodeMessage(frames);
}

/** Appends one message that arrived `at`. */
export function append(
  to: History | Track,
  first: number,
  count: number,
  { at = 0, ...options }: MessageOptions & { readonly at?: number } = {},
): void {
  const bytes = message(first, count, options);
  to.append(bytes, readMessage(bytes), at);
}
