// The room's view of a connection. Nothing here depends on Cloudflare.
import type { Attachment } from "./attachment.ts";

/** One connection as the room sees it. None of it throws; after `close` nothing is sent. */
export interface Sink {
  /** Queues one message. The bytes are copied or written before it returns, so the caller may reuse them. */
  send(message: string | Uint8Array): void;
  close(code: number, text: string): void;
  /** Bytes of the connection that are still in this process; undefined if the runtime cannot tell. */
  bufferedBytes(): number | undefined;
  /** When the last `pong` was sent, in ms since 1970; undefined before the first. */
  lastPong(): number | undefined;
  /** Stores the state that must survive the room's sleep. At most 16 KiB; costs no storage write. */
  save(state: Attachment): void;
}
