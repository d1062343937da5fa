// Records with a length: what a producer wrote as one record is one frame for all receivers.
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestBridge } from "../support/bridge.ts";
import { createRoom, reliableToken, startTestRuntime } from "../support/local-room.ts";
import { produce } from "../support/producer.ts";
import { FramedSubscriber, PlainSubscriber } from "../support/subscribers.ts";
import { waitFor } from "../support/wait.ts";

const COUNT = 10_000;
const MAX_BYTES = 100_000;
const LENGTH_BYTES = 4;
/**
 * The allowed lag of the plain subscriber, which skips if the stream is too fast: the room keeps more than this for it.
 */
const AHEAD_BYTES = 1024 * 1024;

const noise = randomBytes(2 * MAX_BYTES);

let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestRuntime();
});

afterAll(() => runtime?.close());

/** Seeded sizes from 0 to `MAX_BYTES`, both included: mostly small ones. */
function sizes(): number[] {
  let seed = 20_260_117;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const all = Array.from({ length: COUNT }, () => Math.floor(random() ** 12 * (MAX_BYTES + 1)));
  return [0, MAX_BYTES, 0, 0, ...all.slice(4)];
}

/** The record with that index: its bytes differ from those of its neighbours. */
function recordOf(index: number, size: number): Buffer {
  return noise.subarray(index % MAX_BYTES, (index % MAX_BYTES) + size);
}

test("F10 10,000 records of 0 to 100,000 bytes arrive one to one, in order", async () => {
  const room = await createRoom(runtime.url);
  const target = { url: runtime.url, room: room.room, token: await reliableToken(room.room) };
  const all = sizes();
  const total = all.reduce((sum, size) => sum + size, 0);
  const wrong: number[] = [];
  await using bridge = await startTestBridge(runtime.url);
  await using plain = await PlainSubscriber.join(target);
  await using framed = await FramedSubscriber.join(target, {
    delivery: "reliable",
    onFrame: ({ payload, sequence }) => {
      const index = framedCount++;
      if (sequence !== index || !recordOf(index, all[index] ?? -1).equals(payload)) wrong.push(index);
    },
  });
  let framedCount = 0;

  const sent = createHash("sha256");
  async function* records() {
    let bytes = 0;
    for (const [index, size] of all.entries()) {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(size);
      const record = recordOf(index, size);
      sent.update(record);
      bytes += size;
      yield Buffer.concat([length, record]);
      if (bytes - plain.bytes > AHEAD_BYTES) await waitFor("the plain one", () => bytes - plain.bytes < AHEAD_BYTES);
    }
  }
  const introduction = { room: room.room, token: room.tokens.publish, framing: "length32" } as const;
  expect(await produce(bridge.port, introduction, records())).toBe(total + COUNT * LENGTH_BYTES);

  await framed.received(total);
  await plain.received(total);
  const hash = sent.digest("hex");
  expect({ frames: framed.frames, gaps: framed.gaps, wrong }).toEqual({ frames: COUNT, gaps: [], wrong: [] });
  expect(framed.sha256()).toBe(hash);
  expect({ bytes: plain.bytes, sha256: plain.sha256() }).toEqual({ bytes: total, sha256: hash });
});
