// Every framing with a real stream: exact bytes for early subscribers, a decodable start for late ones.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestBridge } from "../support/bridge.ts";
import { complaintsAbout, pictureTypes } from "../support/ffmpeg.ts";
import { LIVE_FORMATS, type LiveFormat, liveFormat } from "../support/live-formats.ts";
import { createRoom, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { produce } from "../support/producer.ts";
import { FramedSubscriber, isKey, PlainSubscriber } from "../support/subscribers.ts";
import { waitFor } from "../support/wait.ts";

/** A latecomer joins after two of them, and has to find more than one: a machine may stand still for the rest. */
const SECONDS = 9;

let runtime: Runtime;
let folder: string;

beforeAll(async () => {
  [runtime, folder] = await Promise.all([startTestRuntime(), mkdtemp(join(tmpdir(), "roomcast-framings-"))]);
});

afterAll(async () => {
  await runtime?.close();
  await rm(folder, { recursive: true, force: true });
});

const targetOf = (room: TestRoom) => ({ url: runtime.url, room: room.room, token: room.tokens.subscribe });

/** A plain subscriber that keeps its bytes. */
async function listen(room: TestRoom) {
  const chunks: Buffer[] = [];
  const subscriber = await PlainSubscriber.join(targetOf(room), (bytes) => void chunks.push(bytes));
  return { subscriber, bytes: () => Buffer.concat(chunks) };
}

describe.concurrent("media", () => {
  test.for(Object.keys(LIVE_FORMATS) as LiveFormat[])("T10 T11 T12 T6 %s", async (name, { expect }) => {
    const { framing } = LIVE_FORMATS[name];
    const room = await createRoom(runtime.url);
    const path = (part: string) => join(folder, `${room.room}-${part}.${framing}`);
    await writeFile(path("token"), room.tokens.publish);
    const route = `?room=${room.room}&framing=${framing}&token-file=${path("token")}`;
    await using bridge = await startTestBridge(runtime.url, { listen: [route] });
    let keys = 0;
    await using witness = await FramedSubscriber.join(targetOf(room), {
      onFrame: (frame) => {
        if (isKey(frame)) keys++;
      },
    });
    const early = await listen(room);
    await using _early = early.subscriber;
    await using ffmpeg = liveFormat(name, SECONDS, [`tcp://127.0.0.1:${bridge.port}`, path("sent")]);
    await waitFor("a third key frame", () => keys >= 3, 20_000);
    const late = await listen(room);
    await using _late = late.subscriber;
    await ffmpeg.succeeds();
    const sent = await readFile(path("sent"));
    await early.subscriber.received(sent.length);
    await witness.received(sent.length);
    await late.subscriber.drained();

    expect(early.bytes().equals(sent), "every byte, for who was there").toBe(true);
    expect(witness.gaps).toEqual([]);
    const tail = late.bytes().subarray(-2000);
    expect(tail.equals(sent.subarray(-2000)), "up to the end, for who came late").toBe(true);
    expect(late.bytes().length).toBeLessThan(sent.length);
    await writeFile(path("late"), late.bytes());
    const pictures = await pictureTypes(path("late"));
    expect(await complaintsAbout(path("late"))).toBe("");
    expect(pictures[0]).toBe("I");
    expect(pictures.length).toBeGreaterThan(25);
  });
});

describe.concurrent("records and bytes", () => {
  const text = Array.from({ length: 300 }, (_, index) => `line ${index} ${"x".repeat(index % 97)}`);
  const length32 = text.map((line) => {
    const record = Buffer.alloc(4 + line.length, line);
    record.writeUInt32BE(line.length);
    record.write(line, 4);
    return record;
  });

  test.for([
    ["raw", text.map((line) => Buffer.from(line)), text.join("")],
    ["length32", length32, text.join("")],
    ["lines", text.map((line) => Buffer.from(`${line}\n`)), text.join("")],
    ["auto", text.map((line) => Buffer.from(line)), text.join("")],
  ] as const)(
    "T6 T7 T8 T9 T13 %s: all of it from the start, and from a frame on for who comes late",
    async (row, { expect }) => {
      const [framing, parts, expected] = row;
      const room = await createRoom(runtime.url);
      await using bridge = await startTestBridge(runtime.url);
      const frames: string[] = [];
      const onFrame = ({ payload }: { payload: Uint8Array }) => void frames.push(Buffer.from(payload).toString());
      await using framed = await FramedSubscriber.join(targetOf(room), { onFrame });
      const early = await listen(room);
      await using _early = early.subscriber;
      let late: Awaited<ReturnType<typeof listen>> | undefined;
      async function* stream() {
        for (const [index, part] of parts.entries()) {
          yield part;
          if (index % 10 === 0) await sleep(5);
          if (index === 150) late = await listen(room);
        }
      }
      await produce(bridge.port, { room: room.room, token: room.tokens.publish, framing }, stream());
      await framed.received(expected.length);
      await early.subscriber.received(expected.length);
      await late?.subscriber.drained();
      await late?.subscriber[Symbol.asyncDispose]();
      expect(early.bytes().toString()).toBe(expected);
      if (framing === "length32" || framing === "lines") expect(frames).toEqual(text);
      const got = late?.bytes().toString() ?? "";
      expect(got.length).toBeGreaterThan(0);
      expect(expected.endsWith(got)).toBe(true);
      if (framing === "length32" || framing === "lines") expect(got).toMatch(/^line \d+ x*/);
    },
  );
});
