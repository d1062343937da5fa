// The page in a real browser, against scripted rooms.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Flag } from "../../protocol/frame.ts";
import { buildWeb } from "../../scripts/build.ts";
import { launchBrowser } from "../support/browser.ts";
import { jpeg, transportStream } from "./support/clip.ts";
import { ScriptedRoom } from "./support/scripted-room.ts";
import { Site } from "./support/site.ts";
import { streamClip } from "./support/source.ts";

const CLIP_SECONDS = 60;
const WAIT_MS = 15_000;

/** A packet of a transport stream without content. */
const NULL_PACKET = Uint8Array.of(0x47, 0x1f, 0xff, 0x10, ...new Uint8Array(184).fill(0xff));

/** Counts the object URLs that are not revoked: each holds a player's MediaSource, or a picture. */
const COUNT_OBJECT_URLS = `
  globalThis.objectUrls = 0;
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (of) => { objectUrls += 1; return createObjectURL(of); };
  URL.revokeObjectURL = (url) => { objectUrls -= 1; revokeObjectURL(url); };`;

let site: Site;
let browser: Browser;
let clip: Buffer;
let page: Page;
/** Console errors, uncaught errors and policy violations of the page. */
let complaints: string[];

beforeAll(async () => {
  await buildWeb();
  [site, browser, clip] = await Promise.all([Site.start(), launchBrowser(), transportStream(CLIP_SECONDS)]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await site?.stop();
});

beforeEach(async () => {
  page = await browser.newPage();
  complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(COUNT_OBJECT_URLS);
});

afterEach(async () => {
  await page.close();
});

function openRoom(name: string): ScriptedRoom {
  const room = new ScriptedRoom();
  site.rooms.set(name, room);
  return room;
}

/** Waits until an expression is true in the page. (`waitForFunction` would need the policy to allow eval.) */
async function until(expression: string): Promise<void> {
  const check = async () => {
    if (!(await page.evaluate(expression))) throw new Error(`in the page, this does not become true: ${expression}`);
  };
  await vi.waitFor(check, { timeout: WAIT_MS, interval: 100 });
}

/** Waits until the player that plays now has shown so many seconds. */
function untilPlayed(seconds: number): Promise<void> {
  return until(`video.currentTime >= ${seconds} && video.getVideoPlaybackQuality().totalVideoFrames >= 10`);
}

function value(id: string): Promise<string | null> {
  return page.getAttribute(`#${id}`, "data-value");
}

describe("video", { timeout: 60_000 }, () => {
  let room: ScriptedRoom;
  let stop: () => void;

  beforeEach(async () => {
    room = openRoom("video");
    stop = streamClip(room, clip, CLIP_SECONDS);
    await page.goto(site.link("video"));
    await untilPlayed(1);
  });

  afterEach(() => {
    stop();
    room.stop();
    expect(complaints).toEqual([]);
  });

  test("plays near the live edge, with figures, muted until asked", async () => {
    await untilPlayed(3);
    expect(Number(await value("latency"))).toBeLessThan(3);
    expect(Number(await value("bitrate"))).toBeGreaterThan(500);
    expect(Number(await value("frame-rate"))).toBeGreaterThan(10);
    expect(await value("position")).toMatch(/^e1\.\d+$/);
    expect([await value("state"), await value("source"), await value("gaps")]).toEqual(["live", "online", "0"]);
    await until("viewers.dataset.value === '1'");
    await page.click("#unmute");
    expect(await page.evaluate("video.muted")).toBe(false);
  });

  test("goes on after gaps, each with a new player and none left over", async () => {
    for (let gap = 1; gap <= 3; gap += 1) {
      room.skip();
      await until(`gaps.dataset.value === '${gap}'`);
      await untilPlayed(0.7);
    }
    expect(Number(await page.getAttribute("#gaps", "data-skipped"))).toBeGreaterThan(0);
    expect(await page.evaluate("objectUrls")).toBe(1);
    expect(Number(await value("latency"))).toBeLessThan(3);
  });

  test("goes on with a new epoch", async () => {
    room.newEpoch();
    await until("position.dataset.value.startsWith('e2.')");
    await untilPlayed(1);
    expect(await page.evaluate("objectUrls")).toBe(1);
  });

  test("comes back after a lost connection and goes on playing where it was", async () => {
    const before = await page.evaluate<number>("video.currentTime");
    room.drop();
    await until("state.dataset.value === 'reconnecting'");
    await until("state.dataset.value === 'live'");
    await untilPlayed(before + 2);
    expect(room.starts.at(-1)).toMatch(/e1\.\d+$/);
    expect(await value("gaps")).toBe("0");
  });

  test("pauses, and goes on live", async () => {
    await page.click("#pause");
    await until("video.paused && notice.textContent === 'Paused'");
    await page.click("#pause");
    await untilPlayed(1);
    expect(Number(await value("latency"))).toBeLessThan(3);
  });

  test("says when the source went and when it ended", async () => {
    stop();
    room.setSource(false);
    await until("source.dataset.value === 'offline' && notice.textContent === 'Waiting for the source'");
    room.publish([{ flags: Flag.end, payload: NULL_PACKET }]);
    await until("state.dataset.value === 'ended'");
  });
});

describe("what is no video", { timeout: 30_000 }, () => {
  afterEach(() => expect(complaints).toEqual([]));

  test("bytes are shown in hex", async () => {
    const room = openRoom("bytes");
    room.publish([{ flags: Flag.key, payload: new TextEncoder().encode("<b>one</b>") }]);
    await page.goto(site.link("bytes"));
    await until("hex.textContent.includes('3c 62 3e') && hex.textContent.includes('<b>one</b>')");
    room.publish([{ flags: Flag.key, payload: new TextEncoder().encode("two") }]);
    await until("hex.textContent.includes('two') && bytes.hidden === false && video.hidden === true");
    room.stop();
  });

  test("JPEG frames are shown as pictures, and let go of", async () => {
    const room = openRoom("pictures");
    const payload = await jpeg();
    room.publish([{ flags: Flag.key, payload }]);
    await page.goto(site.link("pictures"));
    await until("picture.naturalWidth === 320 && picture.hidden === false");
    for (let frame = 0; frame < 20; frame += 1) room.publish([{ flags: Flag.key, payload }]);
    await until("position.dataset.value === 'e1.20' && objectUrls === 0");
    room.stop();
  });
});

describe("the way in", { timeout: 30_000 }, () => {
  test("a refused token is explained", async () => {
    const room = openRoom("refusing");
    await page.goto(site.link("refusing", "wrong.token"));
    await until("state.dataset.value === 'refused'");
    expect(await page.textContent("#advice")).toContain("unauthorized");
    room.stop();
  });

  test("a kick is final, and explained", async () => {
    const room = openRoom("kicking");
    await page.goto(site.link("kicking"));
    await until("state.dataset.value === 'live'");
    room.closeAll(4508, "kicked");
    await until("state.dataset.value === 'refused'");
    expect(await page.textContent("#advice")).toContain("kicked");
    expect(complaints).toEqual([]);
    room.stop();
  });

  test("without a token the page asks for one, and keeps it in the fragment", async () => {
    const room = openRoom("asking");
    await page.goto(`${site.url}/rooms/asking`);
    await page.fill("#pasted", site.link("asking"));
    await page.press("#pasted", "Enter");
    await until("document.querySelector('#state')?.dataset.value === 'live'");
    expect(page.url()).toBe(site.link("asking"));
    room.stop();
  });

  test("a room is created with the operator key; link and commands are shown", async () => {
    await page.goto(site.url);
    await page.click("text=Create a room");
    await page.fill("#operator-key", "operator");
    await page.press("#operator-key", "Enter");
    await page.waitForSelector("#page-link");
    expect(await page.textContent("#page-link")).toBe(site.link("demo"));
    expect(await page.textContent("#test-command")).toContain("room=demo token=publish.token framing=mpegts");
    expect(await page.textContent("#file-command")).toMatch(/nc 127\.0\.0\.1 9000$/);
  });
});
