// Events that wait for the consumer, with their sizes on the wire and in memory.
import { HEADER_BYTES } from "../protocol/frame.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { Deque } from "./deque.ts";
import type { SubscriberEvent } from "./events.ts";

/** Approximate memory of an event in addition to its payload. */
export const EVENT_MEMORY_BYTES = 192;

/** A first-in first-out queue for one consumer. It counts bytes; its owner enforces the limit. */
export class EventQueue {
  readonly #events = new Deque<SubscriberEvent>();
  #bytes = 0;
  #wanted: Deferred<void> | undefined;

  /** Bytes of payloads, and of a header for each event. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Approximate bytes of memory. */
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

  /** Removes and returns the oldest event; undefined if there is none. */
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

  /** Wakes the consumer without an event. */
  wake(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }
}

function sizeOf(event: SubscriberEvent): number {
  if ("payload" in event) return HEADER_BYTES + event.payload.byteLength;
  // These events may contain long texts.
  const isTalk = event.type === "message" || event.type === "presence";
  return HEADER_BYTES + (isTalk ? JSON.stringify(event).length : 0);
}
