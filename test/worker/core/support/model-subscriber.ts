// Model subscribers that check the room: every frame follows the previous one, unless a gap was reported.
import { Flag, FrameType, readMessage } from "../../../../protocol/frame.ts";
import { formatPosition, parseStart, type Start } from "../../../../protocol/position.ts";
import type { Delivery, Subscription } from "../../../../worker/core/attachment.ts";
import type { Made, Truth } from "./truth.ts";
import type { Message, Wire } from "./wire.ts";

interface Place {
  readonly epoch: string;
  readonly next: number;
}

/** The common part of both kinds of subscriber. */
export interface ModelSubscriber {
  readonly subscription: Subscription;
  wire: Wire | undefined;
  begin?(): void;
  receive(message: Message): void;
}

/** A framed subscriber. It resumes at its position, and throws if the room does not account for a frame. */
export class FramedSubscriber implements ModelSubscriber {
  readonly #truth: Truth;
  readonly #delivery: Delivery;
  readonly #start: Start;
  readonly #names = new Map<number, string>();
  readonly #places = new Map<string, Place>();
  /** By epoch: all frames below were received, or reported missing. */
  readonly #done = new Map<string, number>();
  /** The newest announced epoch of each track. */
  readonly #newest = new Map<string, string>();
  readonly gaps: string[] = [];
  /** The last reported occupancy. */
  occupancy: { readonly subscribers: number; readonly publishers: number } | undefined;
  frames = 0;
  /** True if it has been connected for so long that a relay need no longer wait for an epoch that it does not know. */
  hasWaited = false;
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
    if (said.type === "occupancy") this.occupancy = { subscribers: said.subscribers, publishers: said.publishers };
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
      this.#passed(name, place.epoch, sequence, sequence + 1);
      if ((flags & ~15) !== 0) throw new Error("unknown flags");
      this.frames++;
      this.#places.set(name, { epoch: place.epoch, next: sequence + 1 });
    }
  }

  #track(said: { track: number; name: string; epoch: string; sequence: number }): void {
    this.#names.set(said.track, said.name);
    const newest = this.#newest.get(said.name) ?? said.epoch;
    if (this.#truth.isBefore(said.name, said.epoch, newest))
      throw new Error(`${said.name} went back from ${newest} to ${said.epoch}`);
    this.#newest.set(said.name, said.epoch);
    const place = this.#places.get(said.name);
    if (place?.epoch === said.epoch) return this.#expect(said.name, said.epoch, said.sequence);
    const wentOn = this.#truth.accepted(place?.epoch ?? "");
    if (place !== undefined && wentOn > place.next && !this.#truth.hasReturned(said.name)) {
      throw new Error(`${place.epoch} went on to ${wentOn}, but nothing was told from ${place.next} on`);
    }
    this.#places.set(said.name, { epoch: said.epoch, next: said.sequence });
  }

  #gap(said: { name: string; epoch: string; from: number; to: number | null; reason: string }): void {
    this.#expect(said.name, said.epoch, said.from);
    this.gaps.push(said.reason);
    if (said.reason === "epoch") this.#over(said);
    this.#passed(said.name, said.epoch, said.from, said.to === null ? Number.POSITIVE_INFINITY : said.to + 1);
    if (said.to === null) this.#places.delete(said.name);
    else this.#places.set(said.name, { epoch: said.epoch, next: said.to + 1 });
  }

  /**
   * An epoch was reported as over. Checks whether it is. If a relay has not learned of it within some time, it assumes
   * so, and then sends what came before.
   */
  #over({ name, epoch }: { name: string; epoch: string }): void {
    if (!this.#truth.isCurrent(name, epoch) || this.#truth.hasReturned(name)) return;
    if (!this.hasWaited) throw new Error(`${epoch} was told to be over, and is not`);
    this.#truth.forgive(name);
  }

  /** No frame comes twice, unless a room that lost its memory went back to an epoch that was over. */
  #passed(name: string, epoch: string, from: number, next: number): void {
    const done = this.#done.get(epoch) ?? 0;
    if (from < done && !this.#truth.hasReturned(name)) throw new Error(`${epoch}.${from} comes after ${done}`);
    this.#done.set(epoch, Math.max(done, next));
  }

  #expect(name: string, epoch: string, sequence: number): void {
    const place = this.#places.get(name);
    if (place?.epoch === epoch && place.next === sequence) return;
    throw new Error(`got ${name} ${epoch}.${sequence} where ${place?.epoch}.${place?.next} was due`);
  }
}

/** A plain subscriber: whole payloads, in order; after a jump, a group starts. */
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

  /** A new connection does not depend on the previous one. */
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
