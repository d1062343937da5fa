// What is measured: a process with a room in it, and how to speak with it.
import type { Handshake } from "../load/wire.ts";

/** A running target; disposing it ends its process. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly publisher: Handshake;
  readonly subscriber: Handshake;
  /** Does its publisher speak Roomcast's protocol (frames, acks, a window)? Else a message is a payload. */
  readonly isRoomcast: boolean;
  /** Bytes in front of each payload, as a subscriber gets it. */
  readonly headerBytes: number;
  /** Does a subscriber ping? */
  readonly pings: boolean;
}
