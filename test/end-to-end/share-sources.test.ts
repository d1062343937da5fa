// The long tests of sharing from a browser: a slow connection, other sources, a browser with only a recorder.
import { join } from "node:path";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { Process } from "../support/processes.ts";
import { keepScreenshot } from "../support/screenshots.ts";
import { ShapedLink } from "../support/shaped-link.ts";
import { expectMovement, LIVE, LOUDEST, SHARES, Sharing } from "../support/sharing.ts";

let sharing: Sharing;

beforeAll(async () => {
  sharing = await Sharing.start();
}, 120_000);

afterAll(() => sharing?.close());
beforeEach(() => sharing.newRoom());
afterEach(() => sharing.leave());

test("a slow way makes the picture coarser before any is dropped; a free one makes it fine again", async () => {
  await using link = await ShapedLink.start(Number(new URL(sharing.runtime.url).port));
  const sharer = await sharing.share({ base: link.url });
  const viewer = await sharing.watch();
  await viewer.until(LIVE);
  link.bytesPerSecondUp = 30_000;
  await sharer.until("document.querySelector('#share-state').dataset.value === 'slow'");
  await keepScreenshot(sharer.page, "share-slow");
  link.bytesPerSecondUp = undefined;
  await sharer.until(SHARES);
  expect(await viewer.value("gaps")).toBe("0");
});

test("sources are switched without a new epoch: a file of another size follows the camera, with its own sound, and viewers learn its end", async () => {
  const sharer = await sharing.share();
  const viewer = await sharing.watch();
  await viewer.until(LIVE);
  const epoch = (await viewer.value("position"))?.split(".")[0];
  const before = await viewer.page.evaluate("video.videoWidth");
  await sharer.page.setInputFiles("#share-file", await clip());
  await sharer.until("document.querySelector('#share-state').textContent === 'You are sharing a file'");
  await viewer.until(`video.videoWidth > 0 && video.videoWidth !== ${before}`);
  await viewer.until(LIVE);
  await expectMovement(viewer);
  expect(await viewer.page.evaluate<number>(LOUDEST)).toBeGreaterThan(0.01);
  expect((await viewer.value("position"))?.split(".")[0]).toBe(epoch);
  await viewer.until("document.querySelector('#state').dataset.value === 'ended'");
  expect(await sharer.page.isVisible("#sharing")).toBe(false);
});

/** Some seconds of a WebM of 480 x 270 with a tone. */
async function clip(): Promise<string> {
  const file = join(sharing.folder, "clip.webm");
  const picture = "-f lavfi -i testsrc2=size=480x270:rate=25 -f lavfi -i sine=frequency=440";
  const coded = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k -c:a libopus -t 8";
  const args = `-y -loglevel error ${picture} ${coded} ${file}`;
  await using ffmpeg = Process.start(ffmpegInstaller.path, args.split(" "));
  await ffmpeg.succeeds();
  return file;
}

test("a browser without encoders shares by its recorder; another one shares beside it, into a track of its own", async () => {
  await sharing.share({ script: "delete globalThis.VideoEncoder;" });
  const viewer = await sharing.watch();
  await viewer.until(LIVE);
  await expectMovement(viewer);
  const other = await sharing.open(sharing.room.tokens.publish);
  await other.page.click("#share-screen-button");
  await other.until("document.querySelector('#share-problem').textContent.startsWith('Somebody else is sharing')");
  expect(await axeViolations(other.page)).toEqual([]);
  await keepScreenshot(other.page, "share-busy");
  await other.page.fill("#share-track", "second");
  await other.page.click("#share-screen-button");
  await other.until(SHARES);
  await viewer.until("document.querySelectorAll('#tracks button').length === 2");
  await viewer.page.keyboard.press("ArrowRight");
  await viewer.until(`document.querySelector("#tracks button[data-track=second]").ariaPressed === "true" && ${LIVE}`);
  await expectMovement(viewer);
});
