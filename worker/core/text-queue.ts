// Messages to members that cannot be sent at once: each text is kept once, for all connections that wait for it.
import { MESSAGE_QUEUE_BYTES, WAITING_MESSAGE_BYTES, WAITING_TEXT_BYTES } from "../../protocol/limits.ts";
import type { Connection } from "./connection.ts";
import { Polling } from "./polling.ts";

/** A text that was encoded once; `bytes` as UTF-8. */
export interface Text {
  readonly text: string;
  readonly bytes: number;
}

/** The messages that wait for one connection. */
interface Waiting {
  readonly texts: Text[];
  bytes: number;
}

const POLL_MS = { least: 5, most: 100 };

/** The texts that wait in a room. Times are ms since 1970. */
export class TextQueue {
  readonly #waiting = new Map<Connection, Waiting>();
  readonly #polling = new Polling<Connection>(POLL_MS);
  /** The number of connections for which each text waits. */
  readonly #uses = new Map<Text, number>();
  #bytes = 0;

  /**
   * Sends the text, now or when the connection has drained. Returns false if too much waits already: the text then
   * skips this connection.
   */
  post(connection: Connection, text: Text, now: number): boolean {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined && connection.takesText(text.bytes, MESSAGE_QUEUE_BYTES)) {
      connection.sendText(text.text, text.bytes);
      return true;
    }
    const fits = (waiting?.bytes ?? 0) + text.bytes <= WAITING_MESSAGE_BYTES;
    const isKept = this.#uses.has(text);
    if (!fits || (!isKept && this.#bytes + text.bytes > WAITING_TEXT_BYTES)) return false;
    this.#keep(connection, waiting ?? { texts: [], bytes: 0 }, text, now);
    return true;
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    const waiting = this.#waiting.get(connection);
    for (const text of waiting?.texts ?? []) this.#release(text);
    this.#waiting.delete(connection);
    this.#polling.delete(connection);
  }

  /** When `flush` is needed; undefined: nothing waits. */
  get dueAt(): number | undefined {
    return this.#polling.dueAt;
  }

  /** Sends as much as is allowed now. */
  flush(now: number): void {
    if (!this.#polling.isDue(now)) return;
    let progress = false;
    for (const connection of [...this.#polling]) progress = this.#serve(connection, now) || progress;
    this.#polling.polled(now, progress);
  }

  /** Sends one text to each connection in a turn. */
  #serve(connection: Connection, now: number): boolean {
    const waiting = this.#waiting.get(connection);
    const text = waiting?.texts[0];
    if (waiting === undefined || text === undefined || !connection.takesText(text.bytes, MESSAGE_QUEUE_BYTES))
      return false;
    connection.sendText(text.text, text.bytes);
    waiting.texts.shift();
    waiting.bytes -= text.bytes;
    this.#release(text);
    this.#polling.delete(connection);
    if (waiting.texts.length === 0) this.#waiting.delete(connection);
    else this.#polling.add(connection, now);
    return true;
  }

  #keep(connection: Connection, waiting: Waiting, text: Text, now: number): void {
    const uses = this.#uses.get(text) ?? 0;
    if (uses === 0) this.#bytes += text.bytes;
    this.#uses.set(text, uses + 1);
    waiting.texts.push(text);
    waiting.bytes += text.bytes;
    this.#waiting.set(connection, waiting);
    this.#polling.add(connection, now);
  }

  #release(text: Text): void {
    const uses = (this.#uses.get(text) ?? 1) - 1;
    if (uses > 0) return void this.#uses.set(text, uses);
    this.#uses.delete(text);
    this.#bytes -= text.bytes;
  }
}
