// Subscribers that hold the room to its word: every frame follows the one before, or a gap was told.
import { Flag, FrameType, readMessage } from "../../../../protocol/frame.ts";
import { formatPosition, parseStart, type Start } from "../../../../protocol/position.ts";
import type { Delivery, Subscription } from "../../../../worker/core/attachment.ts";
import type { Made, Truth } from "./truth.ts";
import type { Message, Wire } from "./wire.ts";

interface Place {
  readonly epoch: string;
  readonly next: number;
}

/** What both kinds of subscriber have in common. */
export interface ModelSubscriber {
  readonly subscription: Subscription;
  wire: Wire | undefined;
  begin?(): void;
  receive(message: Message): void;
}

/** A framed subscriber. It resumes where it was, and throws at whatever the room did not account for. */
export class FramedSubscriber implements ModelSubscriber {
  readonly #truth: Truth;
  readonly #delivery: Delivery;
  readonly #start: Start;
  readonly #names = new Map<number, string>();
  readonly #places = new Map<string, Place>();
  readonly gaps: string[] = [];
  frames = 0;
  wire: Wire | undefined;

  constructor(truth: Truth, delivery: Delivery, start: string) {
    this.#truth = truth;
    this.#delivery = delivery;
    this.#start = parseStart(start);
  }

  get subscription(): Subscription {
    const positions = [...this.#places].map(
      ([track, { epoch, next }]) => `${track}:${formatPosition({ epoch, sequence: next })}`,
    );
    const start = positions.length === 0 ? this.#start : parseStart(positions.join(","));
    return { framed: true, tracks: null, start, delivery: this.#delivery };
  }

  place(name: string): Place | undefined {
    return this.#places.get(name);
  }

  receive(message: Message): void {
    if (message === "pong") return;
    if (typeof message !== "string") return this.#frames(message);
    const said = JSON.parse(message);
    if (said.type === "track") this.#track(said);
    if (said.type === "gap") this.#gap(said);
    if (said.type === "caught-up") this.#expect(said.name, said.epoch, said.sequence);
  }

  #frames(message: Uint8Array): void {
    for (const { type, track, sequence, start, end, flags } of readMessage(message)) {
      const name = this.#names.get(track);
      const place = this.#places.get(name ?? "");
      if (name === undefined || place === undefined)
        throw new Error(`frame of track ${track}, which was not announced`);
      if (type === FrameType.init) {
        for (const made of this.#truth.parse(message.subarray(start, end))) {
          if ((made.flags & Flag.init) === 0) throw new Error("an init that is none");
        }
        continue;
      }
      this.#expect(name, place.epoch, sequence);
      this.#truth.check(place.epoch, sequence, message.subarray(start, end));
      if ((flags & ~15) !== 0) throw new Error("unknown flags");
      this.frames++;
      this.#places.set(name, { epoch: place.epoch, next: sequence + 1 });
    }
  }

  #track(said: { track: number; name: string; epoch: string; sequence: number }): void {
    this.#names.set(said.track, said.name);
    const place = this.#places.get(said.name);
    if (place?.epoch === said.epoch) return this.#expect(said.name, said.epoch, said.sequence);
    if (place !== undefined && this.#truth.accepted(place.epoch) > place.next) {
      throw new Error(
        `${place.epoch} went on to ${this.#truth.accepted(place.epoch)}, but nothing was told from ${place.next} on`,
      );
    }
    this.#places.set(said.name, { epoch: said.epoch, next: said.sequence });
  }

  #gap(said: { name: string; epoch: string; from: number; to: number | null; reason: string }): void {
    this.#expect(said.name, said.epoch, said.from);
    this.gaps.push(said.reason);
    if (said.to === null) this.#places.delete(said.name);
    else this.#places.set(said.name, { epoch: said.epoch, next: said.to + 1 });
  }

  #expect(name: string, epoch: string, sequence: number): void {
    const place = this.#places.get(name);
    if (place?.epoch === epoch && place.next === sequence) return;
    throw new Error(`got ${name} ${epoch}.${sequence} where ${place?.epoch}.${place?.next} was due`);
  }
}

/** A plain subscriber: whole payloads, in order; after a jump a group starts. */
export class PlainSubscriber implements ModelSubscriber {
  readonly #truth: Truth;
  readonly #track: string;
  #last: Made | undefined;
  bytes = 0;
  wire: Wire | undefined;

  constructor(truth: Truth, track: string) {
    this.#truth = truth;
    this.#track = track;
  }

  /** A new connection owes nothing to the one before. */
  begin(): void {
    this.#last = undefined;
  }

  get subscription(): Subscription {
    return { framed: false, tracks: [this.#track], start: { at: "group" }, delivery: "live" };
  }

  receive(message: Message): void {
    if (message === "pong") return;
    if (typeof message === "string") throw new Error(`text in plain mode: ${message}`);
    for (const made of this.#truth.parse(message)) {
      this.bytes += made.payload.byteLength;
      const mayBeCopy = (made.flags & Flag.init) !== 0;
      if (mayBeCopy) continue;
      if (!this.#truth.follows(this.#last, made)) throw new Error(`payload ${made.id} cannot follow ${this.#last?.id}`);
      this.#last = made;
    }
  }
}
