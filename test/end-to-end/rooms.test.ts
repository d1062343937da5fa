// Rooms are separate, however busy they are at the same time.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestBridge } from "../support/bridge.ts";
import { createRoom, reliableToken, startTestRuntime } from "../support/local-room.ts";
import { produce } from "../support/producer.ts";
import { FramedSubscriber, PlainSubscriber } from "../support/subscribers.ts";

const ROOMS = 10;
const BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 10_007;

let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestRuntime();
});

afterAll(() => runtime?.close());

/** The stream of a room. Every byte contains its room (high half) and its approximate position (low half). */
function streamOf(room: number): Buffer {
  return Buffer.alloc(BYTES, Buffer.from(Array.from({ length: 15 }, (_, place) => room * 16 + place)));
}

/** Compares the received bytes with `expected`. */
class Comparison {
  #at = 0;
  same = true;
  readonly #expected: Buffer;

  constructor(expected: Buffer) {
    this.#expected = expected;
  }

  take(bytes: Uint8Array): void {
    this.same &&= this.#expected.subarray(this.#at, this.#at + bytes.byteLength).equals(bytes);
    this.#at += bytes.byteLength;
  }

  /** All of it, and nothing else. */
  get isWhole(): boolean {
    return this.same && this.#at === this.#expected.byteLength;
  }
}

test("ten rooms with ten producers at once: no byte of one reaches another", async () => {
  await using bridge = await startTestBridge(runtime.url);
  const stream = async (_: unknown, number: number) => {
    const { room, tokens } = await createRoom(runtime.url);
    const target = { url: runtime.url, room, token: await reliableToken(room) };
    const expected = streamOf(number);
    const [toPlain, toFramed] = [new Comparison(expected), new Comparison(expected)];
    await using plain = await PlainSubscriber.join(target, (bytes) => toPlain.take(bytes));
    await using framed = await FramedSubscriber.join(target, {
      delivery: "reliable",
      onFrame: (frame) => toFramed.take(frame.payload),
    });
    await produce(bridge.port, { room, token: tokens.publish }, chunksOf(expected));
    await framed.received(BYTES);
    await plain.received(BYTES);
    return [toPlain.isWhole, toFramed.isWhole];
  };
  const whole = await Promise.all(Array.from({ length: ROOMS }, stream));
  expect(whole).toEqual(Array.from({ length: ROOMS }, () => [true, true]));
});

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
