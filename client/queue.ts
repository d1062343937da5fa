// Events that wait for the consumer, with their size: on the wire, and in memory.
import { HEADER_BYTES } from "../protocol/frame.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { Deque } from "./deque.ts";
import type { SubscriberEvent } from "./events.ts";

/** What an event takes in memory besides its payload, about. */
export const EVENT_MEMORY_BYTES = 192;

/** First in, first out, for one consumer. It counts; to bound it is its owner's business. */
export class EventQueue {
  readonly #events = new Deque<SubscriberEvent>();
  #bytes = 0;
  #wanted: Deferred<void> | undefined;

  /** Payloads, and a header for each event. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory, about. */
  get memory(): number {
    return this.#bytes + this.#events.length * (EVENT_MEMORY_BYTES - HEADER_BYTES);
  }

  push(events: readonly SubscriberEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += sizeOf(event);
    }
    this.wake();
  }

  /** The oldest event; undefined: none. */
  shift(): SubscriberEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined) this.#bytes -= sizeOf(event);
    return event;
  }

  /** Resolves at the next `push` or `wake`. */
  wait(): Promise<void> {
    this.#wanted ??= deferred();
    return this.#wanted.promise;
  }

  /** Lets the consumer look around. */
  wake(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }
}

function sizeOf(event: SubscriberEvent): number {
  return HEADER_BYTES + ("payload" in event ? event.payload.byteLength : 0);
}
