// The facts: the payload that was published at each position, and the room's position in each epoch.
import { Flag } from "../../../../protocol/frame.ts";

/** A payload of a publisher. */
export interface Made {
  readonly id: number;
  readonly payload: Uint8Array;
  readonly flags: number;
  /** The same publisher's previous payload, not counting inits. */
  readonly previous: Made | undefined;
}

const HEAD_BYTES = 6;

/** The record that all models are checked against. */
export class Truth {
  readonly #made: Made[] = [];
  readonly #at = new Map<string, number>();
  /** The first payloads of each epoch, up to the first one that is not an init. */
  readonly #begins = new Set<Made>();
  readonly #begun = new Set<string>();
  /** For each epoch: one above the highest sequence that the room accepted. */
  readonly #accepted = new Map<string, number>();
  readonly #current = new Map<string, string>();
  readonly #order = new Map<string, number>();
  readonly #returned = new Set<string>();

  /** A payload that contains its own id: u32 id, u16 length, filler. */
  make(bytes: number, flags: number, previous: Made | undefined): Made {
    const id = this.#made.length;
    const payload = new Uint8Array(HEAD_BYTES + bytes).fill(id & 0xff);
    const view = new DataView(payload.buffer);
    view.setUint32(0, id);
    view.setUint16(4, bytes);
    const made = { id, payload, flags, previous };
    this.#made.push(made);
    return made;
  }

  /** `made` is sent as `sequence` of `epoch`. A position never has two payloads. */
  place(epoch: string, sequence: number, made: Made): void {
    const key = `${epoch}.${sequence}`;
    const before = this.#at.get(key);
    if (before !== undefined && before !== made.id) throw new Error(`${key} was payload ${before}, now ${made.id}`);
    this.#at.set(key, made.id);
    if (!this.#begun.has(epoch)) this.#begins.add(made);
    if ((made.flags & Flag.init) === 0) this.#begun.add(epoch);
  }

  /** True if a subscriber may go from `last` (undefined: nothing) to `made` without a gap. */
  follows(last: Made | undefined, made: Made): boolean {
    const starts = (made.flags & Flag.key) !== 0 || this.#begins.has(made);
    return starts || (last !== undefined && made.previous === last);
  }

  /** The room's own object has everything below `next` in track `name`, which is now in this epoch. */
  accept(name: string, epoch: string, next: number): void {
    this.#accepted.set(epoch, Math.max(next, this.#accepted.get(epoch) ?? 0));
    if (this.#current.get(name) === epoch) return;
    this.#current.set(name, epoch);
    // A room that lost its memory may adopt an epoch that was over.
    if (this.#order.has(epoch)) this.#returned.add(name);
    else this.#order.set(epoch, this.#order.size);
  }

  /** True if the track is in this epoch, as of the last look at the room's own object. */
  isCurrent(name: string, epoch: string): boolean {
    return this.#current.get(name) === epoch;
  }

  /** True if `epoch` began before `other`, and no epoch of the track occurred twice. */
  isBefore(name: string, epoch: string, other: string): boolean {
    return !this.#returned.has(name) && (this.#order.get(epoch) ?? 0) < (this.#order.get(other) ?? 0);
  }

  /** A subscriber was told that an epoch of the track is over, although it is not. */
  forgive(name: string): void {
    this.#returned.add(name);
  }

  /** True if an epoch of the track continued after another one had begun. */
  hasReturned(name: string): boolean {
    return this.#returned.has(name);
  }

  accepted(epoch: string): number {
    return this.#accepted.get(epoch) ?? 0;
  }

  /** Throws unless `payload` is the one that was published there. */
  check(epoch: string, sequence: number, payload: Uint8Array): void {
    const id = this.#at.get(`${epoch}.${sequence}`);
    const made = id === undefined ? undefined : this.#made[id];
    if (made === undefined || Buffer.compare(made.payload, payload) !== 0) {
      throw new Error(`wrong payload at ${epoch}.${sequence}`);
    }
  }

  /** Reads the payloads in `bytes`, which must be whole. */
  parse(bytes: Uint8Array): Made[] {
    const found: Made[] = [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = 0; offset < bytes.byteLength; ) {
      const made = this.#made[view.getUint32(offset)];
      if (made === undefined) throw new Error("bytes that nobody published");
      const end = offset + made.payload.byteLength;
      if (Buffer.compare(made.payload, bytes.subarray(offset, end)) !== 0)
        throw new Error("a payload was cut or changed");
      found.push(made);
      offset = end;
    }
    return found;
  }
}
