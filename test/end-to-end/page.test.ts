// The page in a real browser: the link of a new room plays ffmpeg's stream, and so does the link of `roomcast start`.
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBridge } from "../support/bridge.ts";
import { launchBrowser } from "../support/browser.ts";
import { liveMedia } from "../support/ffmpeg.ts";
import { createRoom, startTestRuntime } from "../support/local-room.ts";
import { descendantsOf, isRunning, Process } from "../support/processes.ts";
import { waitFor, within } from "../support/wait.ts";
import { NAME_PARTS } from "../web/support/viewer.ts";

const WAIT_MS = 30_000;

let browser: Browser;
let folder: string;

beforeAll(async () => {
  [browser, folder] = await Promise.all([launchBrowser(), mkdtemp(join(tmpdir(), "roomcast-page-"))]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The playback state of the page's video. */
interface Played {
  readonly seconds: number;
  readonly pictures: number;
}

function played(page: Page): Promise<Played> {
  return page.evaluate("({ seconds: video.currentTime, pictures: video.getVideoPlaybackQuality().totalVideoFrames })");
}

/** Resolves once the page has played for `seconds` beyond `from`. */
async function playsOn(page: Page, from: Played, seconds: number): Promise<Played> {
  const probe = async () => {
    const now = await played(page);
    return now.seconds >= from.seconds + seconds && now.pictures >= from.pictures + seconds * 10 ? now : undefined;
  };
  return waitFor(`${seconds} s of video`, probe, WAIT_MS);
}

/** Opens a link and checks that its video plays: time passes, pictures are drawn, and they change. */
async function expectToPlay(link: string): Promise<void> {
  const page = await browser.newPage();
  try {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await page.addInitScript(NAME_PARTS);
    await page.goto(link);
    await page.waitForSelector("#video:not([hidden])", { timeout: WAIT_MS });
    const begun = await playsOn(page, { seconds: 0, pictures: 0 }, 1);
    const video = page.locator("#video");
    const before = await video.screenshot();
    const later = await playsOn(page, begun, 1);
    const after = await video.screenshot();
    expect(before.equals(after), "the picture has changed").toBe(false);
    await playsOn(page, later, 1);
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

test("the page of a new room plays what ffmpeg sends", async () => {
  const runtime = await startTestRuntime();
  try {
    await using bridge = await startTestBridge(runtime.url);
    const { room, tokens, links } = await createRoom(runtime.url);
    const args = ["send", room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
    await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: tokens.publish } });
    await using ffmpeg = liveMedia({ seconds: 600, gop: 30, outputs: ["pipe:1"] });
    send.reads(ffmpeg.child.stdout);
    await expectToPlay(links.page);
  } finally {
    await runtime.close();
  }
});

test("`roomcast start` prints a link that plays, and Ctrl-C ends all that it started", async () => {
  const ports = ["--port", "0", "--ingest-port", "0", "--status-port", "0"];
  await using start = Process.roomcast(["start", ...ports], { cwd: folder, detached: true });
  const [, link = ""] = await start.says(/Watch the sample: +(http:\/\/\S+)/, WAIT_MS);
  const [, ingest] = await start.says(/--ingest 127\.0\.0\.1:(\d+)/);
  const started = descendantsOf(start.pid);
  await expectToPlay(link);

  process.kill(-start.pid, "SIGINT");
  expect(await within("the end of `roomcast start`", start.exit, 15_000)).toBe(0);
  expect(started.length, "workerd at least").toBeGreaterThan(0);
  await waitFor("the end of what it started", () => !started.some(isRunning));
  const open = await Promise.all([new URL(link).port, ingest].map((port) => accepts(Number(port))));
  expect(open).toEqual([false, false]);
});

test("`roomcast start --no-sample` tells its pages the port that it took, and ends at SIGTERM", async () => {
  const ports = ["--port", "0", "--ingest-port", "0", "--status-port", "0"];
  await using start = Process.roomcast(["start", "--no-sample", ...ports], { cwd: folder });
  await start.says(/Ctrl-C stops everything/, WAIT_MS);
  expect(start.stdout).not.toContain("sample");
  const [, origin = ""] = await start.says(/Create a room: +(http:\/\/\S+)\//);
  const [, ingest] = await start.says(/--ingest 127\.0\.0\.1:(\d+)/);
  expect((await createRoom(origin)).links.ingest).toBe(`tcp://127.0.0.1:${ingest}`);
  const started = descendantsOf(start.pid);
  start.child.kill("SIGTERM");
  expect(await within("the end of `roomcast start`", start.exit, 15_000)).toBe(0);
  await waitFor("the end of what it started", () => !started.some(isRunning));
});
