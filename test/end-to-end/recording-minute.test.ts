// A minute of real media, recorded: H.264 and AAC from ffmpeg, as MPEG-TS and as fMP4.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { startTestBridge } from "../support/bridge.ts";
import { startTestRuntime } from "../support/local-room.ts";
import { checkRecordedMedia, RECORDED_FORMATS, type Stand } from "../support/recorded-media.ts";

const SECONDS = 60;

let stand: Stand;

beforeAll(async () => {
  const [runtime, folder] = await Promise.all([startTestRuntime(), mkdtemp(join(tmpdir(), "roomcast-minute-"))]);
  stand = { runtime, folder, bridge: await startTestBridge(runtime.url) };
}, 60_000);

afterAll(async () => {
  await stand?.bridge[Symbol.asyncDispose]();
  await stand?.runtime.close();
  if (stand !== undefined) await rm(stand.folder, { recursive: true, force: true });
});

test.concurrent.each(RECORDED_FORMATS)(
  "A1 A3 A8 a minute of %s: the download is what ffmpeg wrote, and HLS plays while it is recorded and after",
  async (...format) => {
    await checkRecordedMedia(stand, format, SECONDS);
  },
  240_000,
);
