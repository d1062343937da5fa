// Outgoing events: limited, in order, kept until the queue has accepted them.
import { type RoomEvent, replaces } from "./events.ts";

/**
 * A message of the queue may have at most 128 KB. Events beyond this number are dropped, the oldest first: the newest
 * one has the whole state of the room.
 */
const MAX_EVENTS = 64;
const MAX_CHARS = 48 * 1024;

/** The unreported events of one room. */
export class Outbox {
  readonly #events: { readonly event: RoomEvent; readonly chars: number }[] = [];
  #chars = 0;
  /** Events up to this number may already be at the queue. */
  #sentTo = 0;

  constructor(events: readonly RoomEvent[] = []) {
    for (const event of events) this.add(event);
  }

  get events(): RoomEvent[] {
    return this.#events.map(({ event }) => event);
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  add(event: RoomEvent): void {
    const older = this.#events.findIndex((one) => one.event.number > this.#sentTo && replaces(event, one.event));
    if (older >= 0) this.#remove(older);
    const chars = JSON.stringify(event).length;
    this.#events.push({ event, chars });
    this.#chars += chars;
    while (this.#events.length > 1 && (this.#events.length > MAX_EVENTS || this.#chars > MAX_CHARS)) this.#remove(0);
  }

  /** All events go to the queue now, and newer events no longer replace them. Returns the last number. */
  send(): number {
    this.#sentTo = this.#events.at(-1)?.event.number ?? this.#sentTo;
    return this.#sentTo;
  }

  /** The queue has accepted all events up to `number`. */
  taken(number: number): void {
    while ((this.#events[0]?.event.number ?? Number.POSITIVE_INFINITY) <= number) this.#remove(0);
  }

  #remove(index: number): void {
    const [gone] = this.#events.splice(index, 1);
    this.#chars -= gone?.chars ?? 0;
  }
}
