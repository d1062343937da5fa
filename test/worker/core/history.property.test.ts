// History compared with the simplest model: a list of frames, each with its bytes and its time.
import fc from "fast-check";
import { expect, test } from "vitest";
import { readMessage } from "../../../protocol/frame.ts";
import type { Block } from "../../../worker/core/block.ts";
import { History } from "../../../worker/core/history.ts";
import { message } from "./support/frames.ts";

const BLOCK_BYTES = 4000;
const SECOND = 1000;

const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 90 }),
      bytes: fc.oneof(fc.nat({ max: 60 }), fc.constant(70_000)),
      passed: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 3000 })),
      skipped: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 9 }) }),
      key: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("read" as const), at: fc.nat(), most: fc.nat({ max: 6000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), age: fc.nat({ max: 9000 }) }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

interface Known {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Runs the events on both. */
class Pair {
  readonly history = new History(BLOCK_BYTES);
  #known: Known[] = [];
  #groupStart = 0;
  #next = 0;
  #now = 0;
  readonly #handedOut: { readonly block: Block; readonly copy: Uint8Array }[] = [];

  apply(one: Event): void {
    if (one.do === "append") this.#append(one);
    else if (one.do === "read") this.#read(one.at, one.most);
    else this.#drop(this.#now - one.age);
    expect(this.history.first).toBe(this.#known[0]?.sequence);
  }

  /** Returned views stay unchanged. */
  end(): void {
    for (const { block, copy } of this.#handedOut) expect(Buffer.compare(block.bytes, copy)).toBe(0);
    while (this.history.dropOldest(Number.POSITIVE_INFINITY)) {}
    expect(this.history.bytes).toBeLessThan(90 * 70_100 + 10_000);
  }

  #append({ count, bytes, passed, skipped, key }: Event & { do: "append" }): void {
    this.#now += passed;
    const first = this.#next + skipped;
    const whole = message(first, bytes > 60 ? 1 : count, { bytes, key });
    const frames = readMessage(whole);
    this.history.append(whole, frames, this.#now);
    if (key) this.#groupStart = first;
    for (const { sequence, start, end } of frames) {
      this.#known.push({ sequence, bytes: whole.slice(start - 24, end), at: this.#now });
    }
    this.#next = first + frames.length;
  }

  #read(at: number, most: number): void {
    const index = this.#known.length === 0 ? 0 : at % this.#known.length;
    const sequence = this.#known[index]?.sequence ?? at;
    const block = this.history.read(sequence, most);
    if (block === undefined) return expect(this.#known).toEqual([]);
    const wanted = this.#known.slice(index, index + block.frameCount);
    expect(Buffer.compare(block.bytes, Buffer.concat(wanted.map(({ bytes }) => bytes)))).toBe(0);
    expect(block).toMatchObject({ first: sequence, next: (wanted.at(-1)?.sequence ?? 0) + 1 });
    expect(block.frameCount === 1 || block.bytes.byteLength <= most).toBe(true);
    expect((wanted.at(-1)?.at ?? 0) - (wanted[0]?.at ?? 0)).toBeLessThan(SECOND);
    expect(this.history.bytesFrom(sequence)).toBe(
      this.#known.slice(index).reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    );
    this.#handedOut.push({ block, copy: block.bytes.slice() });
  }

  #drop(time: number): void {
    this.history.dropBefore(time, Number.POSITIVE_INFINITY);
    const first = this.history.first ?? 0;
    const gone = this.#known.filter(({ sequence }) => sequence < first);
    expect(gone.every(({ sequence, at }) => at < time && sequence < Math.max(this.#groupStart, 1e9))).toBe(true);
    this.#known = this.#known.slice(gone.length);
    const [oldest] = this.#known;
    const mayGo = oldest !== undefined && oldest.at < time - SECOND && this.#known.some(({ at }) => at >= time);
    if (mayGo) expect(first + 500).toBeGreaterThan(this.#groupStart);
  }
}

test("S4 reads return the appended frames, through merges, holes and expiry", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
      const pair = new Pair();
      for (const one of events) pair.apply(one);
      pair.end();
    }),
    { numRuns: Number(process.env.ROOMCAST_RUNS ?? 500) },
  );
}, 300_000);
