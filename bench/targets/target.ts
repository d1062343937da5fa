// A target: a process with a room in it, and the way to speak with it.
import type { Handshake } from "../../load/wire.ts";

/** A running target; disposing it ends its process. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly publisher: Handshake;
  readonly subscriber: Handshake;
  /** True if its publisher speaks Roomcast's protocol (frames, acks, a window). Otherwise a message is a payload. */
  readonly isRoomcast: boolean;
  /** Bytes before each payload that a subscriber gets. */
  readonly headerBytes: number;
  /** True if a subscriber pings. */
  readonly pings: boolean;
}
