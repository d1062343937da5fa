// What the room sees of a connection, and how the room decides: nothing here knows of Cloudflare.
import type { Attachment } from "./attachment.ts";

/** One connection as the room sees it. Nothing of it throws; after `close` nothing is sent. */
export interface Sink {
  /** Queues one message. The bytes are copied or written before it returns: the caller may go on using them. */
  send(message: string | Uint8Array): void;
  close(code: number, text: string): void;
  /** Bytes that still sit in this process for the connection; undefined where the runtime cannot tell. */
  bufferedBytes(): number | undefined;
  /** When the last `pong` was sent, in ms since 1970; undefined before the first. */
  lastPong(): number | undefined;
  /** Keeps what must survive the room's sleep. At most 16 KiB; costs no storage write. */
  save(state: Attachment): void;
}
