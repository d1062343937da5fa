// What really happened: which payload was published at which position, and how far the room came in each epoch.
import { Flag } from "../../../../protocol/frame.ts";

/** One payload that a publisher made. */
export interface Made {
  readonly id: number;
  readonly payload: Uint8Array;
  readonly flags: number;
  /** The one that the same publisher made before it, inits apart. */
  readonly previous: Made | undefined;
}

const HEAD_BYTES = 6;

/** The record that all models are checked against. */
export class Truth {
  readonly #made: Made[] = [];
  readonly #at = new Map<string, number>();
  /** The first payloads of each epoch, up to one that is no init. */
  readonly #begins = new Set<Made>();
  readonly #begun = new Set<string>();
  /** For each epoch: one above the highest sequence that the room accepted. */
  readonly #accepted = new Map<string, number>();

  /** A payload that says of itself which one it is: u32 id, u16 length, filler. */
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

  /** `made` goes out as `sequence` of `epoch`. The same position never means two payloads. */
  place(epoch: string, sequence: number, made: Made): void {
    const key = `${epoch}.${sequence}`;
    const before = this.#at.get(key);
    if (before !== undefined && before !== made.id) throw new Error(`${key} was payload ${before}, now ${made.id}`);
    this.#at.set(key, made.id);
    if (!this.#begun.has(epoch)) this.#begins.add(made);
    if ((made.flags & Flag.init) === 0) this.#begun.add(epoch);
  }

  /** May a subscriber go from `last` (undefined: nothing) to `made` without being told? */
  follows(last: Made | undefined, made: Made): boolean {
    const starts = (made.flags & Flag.key) !== 0 || this.#begins.has(made);
    return starts || (last !== undefined && made.previous === last);
  }

  accept(epoch: string, next: number): void {
    this.#accepted.set(epoch, Math.max(next, this.#accepted.get(epoch) ?? 0));
  }

  accepted(epoch: string): number {
    return this.#accepted.get(epoch) ?? 0;
  }

  /** Throws unless `payload` is what was published there. */
  check(epoch: string, sequence: number, payload: Uint8Array): void {
    const id = this.#at.get(`${epoch}.${sequence}`);
    const made = id === undefined ? undefined : this.#made[id];
    if (made === undefined || Buffer.compare(made.payload, payload) !== 0) {
      throw new Error(`wrong payload at ${epoch}.${sequence}`);
    }
  }

  /** Reads the payloads in `bytes`, which must hold whole ones. */
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
