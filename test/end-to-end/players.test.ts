// Every format in a real browser: a real source's stream through bridge and room becomes visible, and continues.
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import type { Preamble } from "../../protocol/preamble.ts";
import { axeViolations } from "../support/axe.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { launchBrowser } from "../support/browser.ts";
import { LiveSource, MEDIA } from "../support/live-source.ts";
import { createRoom, startTestRuntime, type TestRoom, tokenWith } from "../support/local-room.ts";
import { keepScreenshot } from "../support/screenshots.ts";
import { waitFor } from "../support/wait.ts";
import { Viewer } from "../web/support/viewer.ts";

const LIVE = "document.querySelector('#state')?.dataset.value === 'live'";

const SCREENS = [
  ["landscape", 844, 390],
  ["phone", 390, 844],
] as const;

let runtime: Runtime;
let bridge: TestBridge;
let browser: Browser;
let viewer: Viewer;
let room: TestRoom;

beforeAll(async () => {
  [runtime, browser] = await Promise.all([startTestRuntime(), launchBrowser()]);
  bridge = await startTestBridge(runtime.url);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
});

beforeEach(async () => {
  room = await createRoom(runtime.url);
});

afterEach(async () => {
  expect(viewer.complaints, "on the console, policy violations among them").toEqual([]);
  await viewer.page.close();
});

type Fields = Partial<Pick<Preamble, "framing" | "track" | "format">>;

const who = (fields: Fields) => ({ room: room.room, token: room.tokens.publish, ...fields });
const media = (name: keyof typeof MEDIA, fields: Fields = { framing: name }) =>
  LiveSource.media(bridge.port, who(fields), MEDIA[name]);
const texts = (fields: Fields, make: (index: number) => string | Uint8Array, ms = 50) =>
  LiveSource.every(ms, bridge.port, who(fields), make);

async function open(options?: BrowserContextOptions, token = room.tokens.subscribe): Promise<void> {
  viewer = await Viewer.open(browser, options);
  await viewer.page.goto(`${runtime.url}/rooms/${room.room}#token=${token}`);
}

/** Asks the room's API as its owner. */
async function api(path: string, body: object, token: string, method = "POST"): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const url = `${runtime.url}/api/rooms/${room.room}${path}`;
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect(answer.ok, await answer.text()).toBe(true);
}

const settings = (change: object) => api("", { settings: change }, room.tokens.admin, "PATCH");

/** The player catches up with a stream that a busy machine shows late. */
const untilNearLive = (seconds: number) =>
  viewer.until(`latency.dataset.value !== '' && Number(latency.dataset.value) < ${seconds}`);

/** Checks that axe finds nothing, and stores a screenshot. */
async function look(name: string): Promise<void> {
  expect(await axeViolations(viewer.page)).toEqual([]);
  await keepScreenshot(viewer.page, name);
}

/** Checks that pictures change. */
async function expectMovement(part: string): Promise<void> {
  const shot = () => viewer.page.locator(`roomcast-player #${part}`).screenshot();
  const before = await shot();
  await expect.poll(async () => before.equals(await shot()), { timeout: 20_000 }).toBe(false);
}

const trackFormat = async () => {
  const headers = { authorization: `Bearer ${room.tokens.subscribe}` };
  const answer = (await (await fetch(`${runtime.url}/api/rooms/${room.room}`, { headers })).json()) as {
    tracks: { format: string }[];
  };
  return answer.tracks.map(({ format }) => format);
};

describe("pictures and sound", () => {
  test("MPEG-TS plays, with a volume and a latency by the publisher's clock", async () => {
    using _source = media("mpegts");
    await open();
    await viewer.until(LIVE);
    await viewer.untilPlayed(1);
    await expectMovement("video");
    expect(await trackFormat()).toEqual(['video/mp2t;codecs="avc1,mp4a.40.2"']);
    await untilNearLive(4);
    expect(await viewer.page.textContent("#latency")).toMatch(/^\d+\.\d s behind the publisher's clock$/);
    await viewer.page.locator("#volume").fill("0.4");
    expect(await viewer.page.evaluate("[video.muted, video.volume]")).toEqual([false, 0.4]);
    await viewer.page.click("#unmute");
    expect(await viewer.page.evaluate("video.muted")).toBe(true);
    await look("mpegts");
  });

  test("fMP4 with offsets from the file's begin plays, and who comes late has a picture too", async () => {
    using _source = media("fmp4");
    await open();
    await viewer.until(LIVE);
    await viewer.page.close();
    await open();
    await viewer.until(LIVE);
    await viewer.until("video.getVideoPlaybackQuality().totalVideoFrames >= 50");
    await expectMovement("video");
    expect(await trackFormat()).toEqual(['video/mp4;codecs="avc1.42c00c,mp4a.40.2"']);
    await untilNearLive(5);
    await viewer.page.click("#pause");
    await viewer.until("state.dataset.value === 'paused' && notice.textContent === 'Paused'");
    await viewer.page.click("#pause");
    await viewer.until(LIVE);
    await keepScreenshot(viewer.page, "fmp4");
  });

  test("fMP4 plays where the media source is a managed one", async () => {
    using _source = media("fmp4");
    viewer = await Viewer.open(browser);
    await viewer.page.addInitScript("globalThis.ManagedMediaSource = MediaSource; delete globalThis.MediaSource;");
    await viewer.page.goto(room.links.page);
    await viewer.until(LIVE);
    await viewer.until("video.getVideoPlaybackQuality().totalVideoFrames >= 25");
  });

  test("MJPEG is drawn, paused and drawn again", async () => {
    using _source = media("mjpeg");
    await open();
    await viewer.until(LIVE);
    await expectMovement("picture");
    expect(await trackFormat()).toEqual(["image/jpeg"]);
    await viewer.page.click("#pause");
    await viewer.until("state.dataset.value === 'paused' && notice.textContent === 'Paused'");
    const still = await viewer.page.locator("#picture").screenshot();
    await viewer.until("Number(document.querySelector('#frame-rate').dataset.value) > 10");
    expect(still.equals(await viewer.page.locator("#picture").screenshot())).toBe(true);
    await viewer.page.click("#pause");
    await viewer.until(LIVE);
    await look("mjpeg");
  });
});

describe("text and bytes", () => {
  test("lines scroll, without colours, and are searched", async () => {
    using _source = texts(
      { framing: "lines" },
      (index) => `\u001b[32mline ${index}\u001b[0m of the log ${index % 7 === 0 ? "needle" : "hay"}\n`,
    );
    await open();
    await viewer.until(`${LIVE} && log.textContent.includes('line 30 of')`);
    expect(await viewer.page.evaluate("log.textContent.includes('\\u001b')")).toBe(false);
    await viewer.until("log.scrollHeight - log.scrollTop - log.clientHeight < 30");
    await viewer.page.locator("#search").fill("NEEDLE");
    await viewer.until("/^\\d+ of \\d+$/.test(count.textContent)");
    await viewer.until("[...log.children].every((row) => row.hidden !== row.textContent.includes('needle'))");
    await look("lines-search");
    await viewer.page.locator("#search").fill("");
    // A line that arrives at this moment scrolls down again.
    await waitFor("the way back", async () => {
      await viewer.page.evaluate("log.scrollTop = 0");
      return viewer.page.locator("#newest").isVisible();
    });
    await viewer.page.locator("#newest").click();
    await viewer.page.click("#pause");
    const rows = await viewer.page.evaluate("log.childElementCount");
    await viewer.until("Number(document.querySelector('#frame-rate').dataset.value) > 5");
    expect(await viewer.page.evaluate("log.childElementCount")).toBe(rows);
    await viewer.page.click("#pause");
    await viewer.until(`log.childElementCount > ${rows}`);
    await keepScreenshot(viewer.page, "lines");
  });

  test("JSON lines are rows that unfold", async () => {
    using _source = texts(
      { framing: "lines" },
      (index) => `${JSON.stringify({ index, sensor: { name: "north", celsius: 20 + (index % 5) } })}\n`,
    );
    await open();
    await viewer.until(`${LIVE} && log.childElementCount > 5`);
    expect(await trackFormat()).toEqual(["application/x-ndjson"]);
    await viewer.page.click("#pause");
    await viewer.page.locator("#log summary").first().click();
    await viewer.until("log.querySelector('details[open] pre')?.textContent.includes('\\n  \"sensor\": {')");
    await look("json");
  });

  test("a text that comes in pieces has the lines that it has", async () => {
    using _source = texts({ framing: "raw" }, (index) =>
      index % 2 === 0 ? `first half ${index / 2}, ` : `second half\nwhole ${(index - 1) / 2}\n`,
    );
    await open();
    await viewer.until(`${LIVE} && log.childElementCount > 10`);
    const lines = await viewer.page.evaluate<string[]>("[...log.children].map((row) => row.textContent)");
    // A viewer that joins in the middle of a line gets its halves separately.
    for (const line of lines.slice(2)) expect(line).toMatch(/^(?:first half \d+, second half|whole \d+)$/);
  });

  test("other bytes are shown in hex", async () => {
    using _source = texts(
      { framing: "length32" },
      (index) => Buffer.concat([Buffer.from([0, 0, 2, 88, index >> 8, index & 0xff]), Buffer.alloc(598, index)]),
      100,
    );
    await open();
    await viewer.until(`${LIVE} && hex.textContent.startsWith('0000  00 ')`);
    expect(await viewer.page.locator("#bytes-title").textContent()).toBe("Newest frame: the first 512 of 600 bytes");
    await look("raw");
  });

  test("the declared format takes precedence over the first bytes", async () => {
    using _source = texts({ framing: "length32", format: "application/octet-stream" }, () =>
      Buffer.from("\0\0\0\u0002hi"),
    );
    await open();
    await viewer.until(`${LIVE} && hex.textContent.includes('68 69')`);
  });
});

describe("states and screens", () => {
  test("only arriving data is live: offline, two tracks, ended", async () => {
    await open();
    await viewer.until(
      "document.querySelector('#state')?.dataset.value === 'waiting' && notice.textContent === 'Waiting for the source'",
    );
    await look("waiting");
    using lines = texts({ framing: "lines" }, (index) => `a ${index}\n`);
    using _video = media("mpegts", { framing: "mpegts", track: "camera" });
    await viewer.until(`${LIVE} && document.querySelectorAll('#tracks button').length === 2`);
    await viewer.page.click("#tracks button[data-track=camera]");
    await viewer.until(`${LIVE} && video?.currentTime > 0`);
    await keepScreenshot(viewer.page, "two-tracks");
    await viewer.page.click("#tracks button[data-track=main]");
    await viewer.until(`${LIVE} && log?.textContent.includes('a ')`);
    lines.end();
    await viewer.until("document.querySelector('#state')?.dataset.value === 'ended'");
    await look("ended");
  });

  test("dark, on a phone and in landscape", async () => {
    using _video = media("mpegts");
    using _lines = texts(
      { framing: "lines", track: "log" },
      (index) => `line ${index}, rather long for a small screen\n`,
    );
    await open({ colorScheme: "dark" });
    await viewer.until(`${LIVE} && document.querySelectorAll('#tracks button').length === 2`);
    await look("dark-video");
    await viewer.page.click("#tracks button[data-track=log]");
    await viewer.until(`${LIVE} && log?.childElementCount > 10`);
    for (const [name, width, height] of SCREENS) {
      await viewer.page.setViewportSize({ width, height });
      await viewer.until("document.documentElement.scrollWidth <= innerWidth");
      await keepScreenshot(viewer.page, `${name}-lines`);
    }
    expect(await axeViolations(viewer.page)).toEqual([]);
    await viewer.page.click("#tracks button[data-track=main]");
    await viewer.page.emulateMedia({ colorScheme: "light" });
    await viewer.until(LIVE);
    for (const [name, width, height] of SCREENS) {
      await viewer.page.setViewportSize({ width, height });
      await viewer.page.evaluate("scrollTo(0, 0)");
      expect(await viewer.page.locator("#controls #pause").boundingBox(), "is on the screen").toSatisfy(
        (box: { y: number; height: number }) => box.y + box.height <= height,
      );
      await keepScreenshot(viewer.page, `${name}-video`);
    }
  });

  test("a viewer that may not watch, or not now, learns why", async () => {
    await settings({ maxSubscribers: 1 });
    await open({}, await tokenWith({ room: room.room, jti: "revoked-soon" }));
    await viewer.until("document.querySelector('#state')?.dataset.value === 'waiting'");
    const first = viewer;
    await open();
    await viewer.until("notice?.textContent === 'The room is full. Trying again.'");
    await look("full");
    await viewer.page.close();
    viewer = first;
    await api("/revocations", { jti: "revoked-soon" }, room.tokens.admin);
    await viewer.until("document.querySelector('#state').dataset.value === 'refused'");
    expect(await viewer.page.textContent("#advice")).toContain("revoked");
    await look("revoked");
    await viewer.page.close();
    room = await createRoom(runtime.url);
    await open({}, await tokenWith({ room: room.room, exp: Math.floor(Date.now() / 1000) + 10 }));
    await viewer.until("notice?.textContent === 'Waiting for the source'");
    await viewer.until("document.querySelector('#state').dataset.value === 'refused'");
    expect(await viewer.page.textContent("#advice")).toContain("has expired");
    await look("expired");
    await viewer.page.close();
    await open({}, "a.b.c");
    await viewer.until("document.querySelector('#state')?.dataset.value === 'refused'");
    await look("refused");
    viewer.complaints.length = 0;
  });

  test("until a player is needed a page weighs little, and mpegts.js is not among it", async () => {
    using _source = texts({ framing: "lines" }, (index) => `line ${index}\n`);
    viewer = await Viewer.open(browser);
    const loaded: string[] = [];
    viewer.page.on("response", (response) => response.url().startsWith("http") && loaded.push(response.url()));
    await viewer.page.goto(room.links.page);
    await viewer.until(LIVE);
    const files = loaded.filter((url) => /\.(?:js|css)$|\/rooms\/[^/]+$/.test(new URL(url).pathname));
    const { gzipSync } = await import("node:zlib");
    const weights = await Promise.all(
      files.map(async (url) => gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).byteLength),
    );
    const bytes = weights.reduce((sum, weight) => sum + weight, 0);
    console.log(JSON.stringify({ page: files.map((url) => new URL(url).pathname), gzipBytes: bytes }));
    expect(bytes).toBeLessThan(120 * 1024);
    expect(files.length).toBeGreaterThanOrEqual(4);
    expect(files.filter((url) => url.includes("mpegts"))).toEqual([]);
  });
});
