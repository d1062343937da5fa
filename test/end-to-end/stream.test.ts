// A live ffmpeg stream, all the way: exact for early subscribers, playable for late ones.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import type { FrameEvent } from "../../client/index.ts";
import { Flag } from "../../protocol/frame.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { complaintsAbout, liveMedia, pictureTypes } from "../support/ffmpeg.ts";
import { createRoom, reliableToken, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { FramedSubscriber, isKey, PlainSubscriber, type Target } from "../support/subscribers.ts";
import { waitFor } from "../support/wait.ts";

const SECONDS = 15;
const GROUP_SECONDS = 8;
const PACKET_BYTES = 188;

let runtime: Runtime;
let folder: string;

beforeAll(async () => {
  [runtime, folder] = await Promise.all([startTestRuntime(), mkdtemp(join(tmpdir(), "roomcast-stream-"))]);
});

afterAll(async () => {
  await runtime?.close();
  await rm(folder, { recursive: true, force: true });
});

function targetOf(room: TestRoom): Target {
  return { url: runtime.url, room: room.room, token: room.tokens.subscribe };
}

async function reliableTo(room: TestRoom): Promise<Target> {
  return { ...targetOf(room), token: await reliableToken(room.room) };
}

/** A bridge with a static route into `room`. */
async function bridgeInto(room: TestRoom): Promise<TestBridge> {
  const file = join(folder, `${room.room}.token`);
  await writeFile(file, `${room.tokens.publish}\n`);
  return startTestBridge(runtime.url, { listen: [`?room=${room.room}&framing=mpegts&token-file=${file}`] });
}

describe.concurrent("a live stream of ffmpeg", () => {
  /** Subscribes twice in each mode, streams, and returns the hashes of the received data and of the file. */
  async function stream(room: TestRoom, send: (file: string) => Promise<void>) {
    await using first = await PlainSubscriber.join(targetOf(room));
    await using second = await PlainSubscriber.join(targetOf(room));
    await using third = await FramedSubscriber.join(targetOf(room));
    await using fourth = await FramedSubscriber.join(await reliableTo(room), { delivery: "reliable" });
    const subscribers = [first, second, third, fourth];
    const file = join(folder, `${room.room}.ts`);
    await send(file);
    const written = await readFile(file);
    await Promise.all(subscribers.map((subscriber) => subscriber.received(written.byteLength)));
    return {
      bytes: written.byteLength,
      sent: createHash("sha256").update(written).digest("hex"),
      received: subscribers.map((subscriber) => subscriber.sha256()),
      gaps: [...third.gaps, ...fourth.gaps],
    };
  }

  test("W2 F5 through a static route: every subscriber has ffmpeg's bytes, no more and no less", async ({ expect }) => {
    const room = await createRoom(runtime.url);
    await using bridge = await bridgeInto(room);
    const { bytes, sent, received, gaps } = await stream(room, async (file) => {
      const outputs = [`tcp://127.0.0.1:${bridge.port}`, file];
      await using ffmpeg = liveMedia({ seconds: SECONDS, gop: 30, outputs });
      await ffmpeg.succeeds();
    });
    expect(bytes).toBeGreaterThan(3_000_000);
    expect(received).toEqual([sent, sent, sent, sent]);
    expect(gaps).toEqual([]);
  });

  test("W2 F5 through `roomcast send`: every subscriber has ffmpeg's bytes, no more and no less", async ({
    expect,
  }) => {
    const room = await createRoom(runtime.url);
    await using bridge = await startTestBridge(runtime.url);
    const { bytes, sent, received, gaps } = await stream(room, async (file) => {
      const env = { ROOMCAST_TOKEN: room.tokens.publish };
      const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
      await using send = Process.roomcast(args, { env });
      await using ffmpeg = liveMedia({ seconds: SECONDS, gop: 30, outputs: ["pipe:1", file] });
      send.reads(ffmpeg.child.stdout);
      await Promise.all([ffmpeg.succeeds(), send.succeeds()]);
    });
    expect(bytes).toBeGreaterThan(3_000_000);
    expect(received).toEqual([sent, sent, sent, sent]);
    expect(gaps).toEqual([]);
  });

  test("S3 a viewer that joins in the middle of a group has its start at once, and it decodes without an error", async ({
    expect,
  }) => {
    const room = await createRoom(runtime.url);
    await using bridge = await bridgeInto(room);
    const seen: FrameEvent[] = [];
    await using witness = await FramedSubscriber.join(targetOf(room), { onFrame: (frame) => void seen.push(frame) });
    // A key frame every eight seconds: the second group lasts until the end.
    await using ffmpeg = liveMedia({
      seconds: SECONDS,
      gop: GROUP_SECONDS * 30,
      outputs: [`tcp://127.0.0.1:${bridge.port}`],
    });
    const keys = () => seen.filter(isKey);
    const second = await waitFor("the second key frame", () => keys()[1]);
    await waitFor("2 s of its group", () => (seen.at(-1)?.timestamp ?? 0) - second.timestamp >= 2000);

    const chunks: Buffer[] = [];
    await using late = await PlainSubscriber.join(targetOf(room), (bytes) => void chunks.push(bytes));
    await waitFor("the first byte", () => chunks.length > 0);
    expect(keys().at(-1), "no other group has begun").toBe(second);

    await ffmpeg.succeeds();
    await witness.until("the end of the source", () => witness.offline > 0);
    const init = seen.findLast((frame) => frame.sequence < second.sequence && (frame.flags & Flag.init) !== 0);
    const group = seen.filter((frame) => frame.sequence >= second.sequence);
    const expected = Buffer.concat([init, ...group].map((frame) => frame?.payload ?? new Uint8Array()));
    await late.received(expected.byteLength);
    const bytes = Buffer.concat(chunks);
    expect(bytes.equals(expected), "the init, then the group and what follows").toBe(true);

    const [pat, pmt, picture] = [0, 1, 2].map((index) => packetAt(bytes, index));
    expect(pat?.pid).toBe(0);
    expect(pmt?.pid).toBe(pat?.firstProgrammePid);
    expect(picture?.isRandomAccess).toBe(true);
    const file = join(folder, "late.ts");
    await writeFile(file, bytes);
    const pictures = await pictureTypes(file);
    expect(await complaintsAbout(file)).toBe("");
    expect(pictures[0]).toBe("I");
    expect(pictures).toHaveLength((SECONDS - GROUP_SECONDS) * 30);
  });
});

/** A transport packet: its PID, its random access flag, and, for a PAT, its first programme's PMT. */
function packetAt(stream: Buffer, index: number) {
  const packet = stream.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES);
  const pid = packet.readUInt16BE(1) & 0x1fff;
  const hasAdaptation = (packet.readUInt8(3) & 0x20) !== 0 && packet.readUInt8(4) > 0;
  return {
    pid,
    isRandomAccess: hasAdaptation && (packet.readUInt8(5) & 0x40) !== 0,
    firstProgrammePid: packet.readUInt16BE(15) & 0x1fff,
  };
}
