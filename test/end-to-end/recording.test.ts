// Recordings with real programs: ffmpeg in, Miniflare's R2, and ffmpeg out by HLS, during and after the recording.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Subscriber } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { complaintsAbout } from "../support/ffmpeg.ts";
import { createRoom, startTestRuntime, type TestRoom, tokenWith } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { checkRecordedMedia, RECORDED_FORMATS, streamMedia } from "../support/recorded-media.ts";
import { createRecordedRoom, RoomRecordings, sha256 } from "../support/recordings.ts";
import { waitFor } from "../support/wait.ts";

const SECONDS = 10;

let runtime: Runtime;
let bridge: TestBridge;
let folder: string;

beforeAll(async () => {
  [runtime, folder] = await Promise.all([startTestRuntime(), mkdtemp(join(tmpdir(), "roomcast-recording-"))]);
  bridge = await startTestBridge(runtime.url);
});

afterAll(async () => {
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Keys of all objects of a room. */
async function keysOf(room: TestRoom): Promise<string[]> {
  const bucket = await runtime.miniflare.getR2Bucket("RECORDINGS", "roomcast");
  const { objects } = await bucket.list({ prefix: `recordings/${room.room}/` });
  return objects.map(({ key }) => key);
}

describe.concurrent("what ffmpeg sends", () => {
  test.each(RECORDED_FORMATS)(
    "A1 A3 A8 %s: the download is what ffmpeg wrote, and HLS plays while it is recorded and after",
    async (...format) => {
      const { room, file } = await checkRecordedMedia({ runtime, bridge, folder }, format, SECONDS);
      const path = `${file}.replayed`;
      const args = ["replay", room.room, "--url", runtime.url, "--out", path];
      await using replay = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.subscribe } });
      await replay.succeeds();
      expect((await readFile(path)).equals(await readFile(file))).toBe(true);
      expect(await complaintsAbout(path)).toBe("");
    },
  );
});

describe.concurrent("roomcast record", () => {
  const read = (path: string) => readFile(path).catch(() => Buffer.alloc(0));

  /** `roomcast record` into `out`, once it takes part. */
  async function record(room: TestRoom, out: string): Promise<Process> {
    const args = ["record", room.room, "--url", runtime.url, "--out", out];
    const process = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.subscribe } });
    await process.says(/connection open/);
    return process;
  }

  test("A1 writes what is sent, byte by byte, until the source ends, and it can be sent again", async () => {
    const [room, other] = await Promise.all([createRecordedRoom(runtime.url), createRecordedRoom(runtime.url)]);
    const [first, second, sent] = ["first.ts", "second.ts", "sent.ts"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await using recording = await record(room, first);
    await streamMedia(bridge, room, ["mpegts with H.264", "mpegts", "ts"], sent, 4);
    await recording.succeeds();
    const written = await readFile(sent);
    expect(sha256(await readFile(first))).toBe(sha256(written));
    expect(recording.stderr).toContain(`${written.byteLength} bytes in ${first}`);
    expect(recording.stderr).not.toContain("gap");

    // The recording, replayed into another room and recorded there.
    await new RoomRecordings(runtime.url, room).ended();
    await using again = await record(other, second);
    const replayArgs = ["replay", room.room, "--url", runtime.url];
    await using replay = Process.roomcast(replayArgs, { env: { ROOMCAST_TOKEN: room.tokens.subscribe } });
    const sendArgs = ["send", other.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
    await using send = Process.roomcast(sendArgs, { env: { ROOMCAST_TOKEN: other.tokens.publish } });
    send.reads(replay.child.stdout);
    await Promise.all([replay.succeeds(), send.succeeds(), again.succeeds()]);
    expect(sha256(await readFile(second))).toBe(sha256(written));
  });

  test("A1 ends cleanly with Ctrl-C: what it has got is in the file", async () => {
    const room = await createRecordedRoom(runtime.url);
    const [out, sent] = [join(folder, "stopped.ts"), join(folder, "whole.ts")];
    await using recording = await record(room, out);
    const streaming = streamMedia(bridge, room, ["mpegts with H.264", "mpegts", "ts"], sent, 6);
    await waitFor("some bytes", async () => (await read(out)).byteLength > 20_000);
    recording.child.kill("SIGINT");
    expect(await recording.exit).toBe(0);
    await streaming;
    const [got, whole] = [await readFile(out), await readFile(sent)];
    expect(recording.stderr).toContain(`${got.byteLength} bytes in ${out}`);
    expect(got.byteLength).toBeLessThan(whole.byteLength);
    expect(sha256(got)).toBe(sha256(whole.subarray(0, got.byteLength)));
  });
});

describe("a room that is recorded", () => {
  let room: TestRoom;
  let recordings: RoomRecordings;

  /** Lines, each a group, two of them a second apart. */
  async function say(count: number, everyMs: number, bytes = 500): Promise<void> {
    const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "lines"];
    await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
    for (let index = 0; index < count; index++) {
      send.child.stdin?.write(`${String(index).padStart(bytes, "0")}\n`);
      await sleep(everyMs);
    }
    send.child.stdin?.end();
    await send.succeeds();
  }

  beforeAll(async () => {
    room = await createRecordedRoom(runtime.url, { historySeconds: 2, historyBytes: 65_536 });
    recordings = new RoomRecordings(runtime.url, room);
    await say(100, 60);
    await recordings.ended();
  }, 120_000);

  test("A7 A10 who may not subscribe sees nothing, and a URL stops working when it says", async () => {
    const other = await createRoom(runtime.url);
    for (const path of ["/recordings", "/tracks/main/segments", "/tracks/main/recording", "/tracks/main/index.m3u8"]) {
      expect((await recordings.ask(path, { token: other.tokens.admin })).status).toBe(401);
      expect(
        (await recordings.ask(path, { token: await tokenWith({ room: room.room, can: ["publish"] }) })).status,
      ).toBe(path === "/recordings" ? 200 : 403);
      expect((await fetch(`${runtime.url}/api/rooms/${room.room}${path}`)).status).toBe(401);
    }
    const elsewhere = await tokenWith({ room: room.room, can: ["subscribe"], tracks: ["other"] });
    expect((await recordings.ask("/tracks/main/segments", { token: elsewhere })).status).toBe(403);
    expect((await recordings.ask("/tracks/never/segments")).status).toBe(404);
    expect((await recordings.ask("/tracks/main/index.m3u8")).status).toBe(409);

    const { segments } = await recordings.segments();
    const url = new URL(segments[0]?.url ?? "", runtime.url);
    expect((await fetch(url)).status).toBe(200);
    expect(url.href).not.toContain(room.tokens.subscribe);
    const forged = new URL(url);
    forged.pathname = forged.pathname.replace("/main/", "/other/");
    expect((await fetch(forged)).status).toBe(401);
    for (const [name, value] of [
      ["until", String(Number(url.searchParams.get("until")) + 1)],
      ["signature", "AAAA"],
    ] as const) {
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      expect((await fetch(changed)).status).toBe(401);
    }
    // A token that expires soon limits everything made with it.
    const soon = await tokenWith({ room: room.room, exp: Math.floor(Date.now() / 1000) + 6 });
    const short = (await (await recordings.ask("/tracks/main/segments", { token: soon })).json()) as typeof EMPTY;
    const last = new URL(short.segments[0]?.url ?? "", runtime.url);
    expect((await fetch(last)).status).toBe(200);
    await waitFor("the end of the URL", () => Date.now() >= Number(last.searchParams.get("until")) * 1000);
    const over = await fetch(last);
    expect([over.status, ((await over.json()) as { code: string }).code]).toEqual([401, "unauthorized"]);
  });

  test("A9 a start in the past gets frames that the room no longer has from the recording, on a real room", async () => {
    const subscriber = new Subscriber({
      ...{ url: runtime.url, room: room.room, token: room.tokens.subscribe, start: "-600" },
      environment: nodeEnvironment,
    });
    const texts: number[] = [];
    for await (const event of subscriber) {
      if (event.type === "frame") texts.push(Number(Buffer.from(event.payload).toString()));
      expect(event.type).not.toBe("gap");
      if (texts.length === 100) break;
    }
    expect(texts).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test("A6 deleted is deleted: nothing is left under the prefix, by demand or with the room", async () => {
    expect((await keysOf(room)).length).toBeGreaterThan(1);
    const denied = await recordings.ask("/recordings", { method: "DELETE" });
    expect(denied.status).toBe(403);
    const token = room.tokens.admin;
    expect((await recordings.ask("/recordings", { method: "DELETE", token })).status).toBe(204);
    expect(await keysOf(room)).toEqual([]);
    expect(await recordings.list()).toEqual([]);
    await say(10, 20);
    await recordings.ended();
    expect((await keysOf(room)).length).toBe(1);
    const { url } = (await recordings.segments()).segments[0] ?? { url: "" };
    expect((await recordings.ask("", { method: "DELETE", token })).status).toBe(204);
    expect(await keysOf(room)).toEqual([]);
    expect((await fetch(new URL(url, runtime.url))).status).toBe(404);
    expect((await recordings.ask("/recordings")).status).toBe(410);
  });
});

const EMPTY: { segments: { url: string }[] } = { segments: [] };
