// Checks of recordings of real media: ffmpeg in, the bucket, ffmpeg out by HLS, during and after the recording.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { expect } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import type { TestBridge } from "./bridge.ts";
import { type LiveFormat, liveFormat } from "./live-formats.ts";
import type { TestRoom } from "./local-room.ts";
import { Process } from "./processes.ts";
import { createRecordedRoom, RoomRecordings, sha256 } from "./recordings.ts";
import { RoomApi } from "./room-api.ts";
import { waitFor } from "./wait.ts";

/** The name of a format, its framing, and how the name of a file ends. */
export type RecordedFormat = readonly [LiveFormat, string, string];

/** Formats that have a playlist. */
export const RECORDED_FORMATS: readonly RecordedFormat[] = [
  ["mpegts with H.264", "mpegts", "ts"],
  ["fmp4", "fmp4", "mp4"],
];

/** What runs, and a folder for files. */
export interface Stand {
  readonly runtime: Runtime;
  readonly bridge: TestBridge;
  readonly folder: string;
}

/** Streams H.264 and AAC for `seconds`, and compares the recording with ffmpeg's output in `file`. */
export async function checkRecordedMedia(
  stand: Stand,
  format: RecordedFormat,
  seconds: number,
): Promise<{ room: TestRoom; file: string }> {
  const { runtime, bridge, folder } = stand;
  const [, framing, ending] = format;
  const patience = 2 * seconds * 1000 + 60_000;
  const room = await createRecordedRoom(runtime.url);
  const recordings = new RoomRecordings(runtime.url, room);
  const file = join(folder, `${seconds}-seconds.${ending}`);
  const streaming = streamMedia(bridge, room, format, file, seconds);
  const { playlist } = await recordings.reached(1);
  if (playlist === null) throw new Error("it has no playlist");
  const text = await (await fetch(playlist)).text();
  expect(text).toContain("#EXT-X-PLAYLIST-TYPE:EVENT");
  expect(text).not.toContain("#EXT-X-ENDLIST");
  expect(text).toMatch(/#EXT-X-PROGRAM-DATE-TIME:20\d\d-/);
  expect(text.includes("#EXT-X-MAP:URI=")).toBe(framing === "fmp4");
  const live = play(playlist, patience);
  await streaming;
  const summary = await recordings.ended();
  const written = await readFile(file);
  expect(summary).toMatchObject({ bytes: written.byteLength, gaps: 0 });
  expect(sha256(await recordings.download())).toBe(sha256(written));
  const after = await play(playlist, patience);
  const whole = seconds * 25;
  expect(await live).toEqual({ complaints: "", pictures: whole });
  expect(after).toEqual({ complaints: "", pictures: whole });
  expect(await (await fetch(playlist)).text()).toContain("#EXT-X-ENDLIST");

  // Each segment is what its row says, and can be had by ranges.
  const { segments } = await recordings.segments();
  // A segment lasts 4 s, and up to the next key frame.
  expect(segments.length).toBeGreaterThanOrEqual(Math.floor(seconds / 5));
  for (const { url, bytes, sha256: said } of segments) {
    const response = await fetch(new URL(url, runtime.url));
    const body = Buffer.from(await response.arrayBuffer());
    expect([body.byteLength, sha256(body)]).toEqual([bytes, said]);
  }
  const second = segments[1];
  const part = await recordings.ask("/tracks/main/recording", {
    headers: { range: `bytes=1000-${written.byteLength}` },
  });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer()).equals(written.subarray(1000))).toBe(true);
  const later = await recordings.download(`?from=${second?.epoch}.${second?.first}`);
  expect(later.equals(written.subarray(segments[0]?.bytes))).toBe(true);
  return { room, file };
}

/** `roomcast send` from ffmpeg, which writes the same bytes into `file`. */
export async function streamMedia(
  bridge: TestBridge,
  room: TestRoom,
  [format, framing]: RecordedFormat,
  file: string,
  seconds: number,
): Promise<void> {
  const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", framing];
  await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
  // ffmpeg keeps to the clock: what nobody takes at first, it sends faster later, and the stream is shorter than it says.
  const api = new RoomApi(new URL(room.links.page).origin, room);
  await waitFor("the publisher", async () => (await api.describe()).publishers > 0, 60_000);
  await using ffmpeg = liveFormat(format, seconds, ["pipe:1", file], { sound: true });
  send.reads(ffmpeg.child.stdout);
  await Promise.all([ffmpeg.succeeds(2 * seconds * 1000 + 60_000), send.succeeds(2 * seconds * 1000 + 60_000)]);
}

/** Plays a playlist to its end. Returns ffmpeg's complaints, and the number of pictures. */
async function play(playlist: string, ms: number): Promise<{ complaints: string; pictures: number }> {
  const args = ["-v", "error", "-stats", "-live_start_index", "0", "-i", playlist, "-f", "null", "-"];
  await using ffmpeg = Process.start(ffmpegInstaller.path, args);
  await ffmpeg.succeeds(ms);
  const [, pictures] = [...ffmpeg.stderr.matchAll(/frame= *(\d+)/g)].at(-1) ?? [];
  const complaints = ffmpeg.stderr.replace(/^.*frame=.*$/gm, "").trim();
  return { complaints, pictures: Number(pictures) };
}
