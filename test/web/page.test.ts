// The page in a real browser, against scripted rooms.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Flag } from "../../protocol/frame.ts";
import { launchBrowser } from "../support/browser.ts";
import { jpeg, transportStream } from "./support/clip.ts";
import { ScriptedRoom } from "./support/scripted-room.ts";
import { Site } from "./support/site.ts";
import { streamClip } from "./support/source.ts";
import { Viewer } from "./support/viewer.ts";

const CLIP_SECONDS = 60;

/** A packet of a transport stream without content. */
const NULL_PACKET = Uint8Array.of(0x47, 0x1f, 0xff, 0x10, ...new Uint8Array(184).fill(0xff));

let site: Site;
let browser: Browser;
let clip: Buffer;
let viewer: Viewer;

beforeAll(async () => {
  // `npm test` has built the page. Another build would take it from under the Workers of files that run side by side.
  [site, browser, clip] = await Promise.all([Site.start(), launchBrowser(), transportStream(CLIP_SECONDS)]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await site?.stop();
});

beforeEach(async () => {
  viewer = await Viewer.open(browser);
});

afterEach(async () => {
  await viewer.page.close();
});

function openRoom(name: string): ScriptedRoom {
  const room = new ScriptedRoom();
  site.rooms.set(name, room);
  return room;
}

/** The player catches up with a stream that a busy machine shows late. */
const untilNearLive = () => viewer.until("latency.dataset.value !== '' && Number(latency.dataset.value) < 3");

describe("video", { timeout: 120_000 }, () => {
  let room: ScriptedRoom;
  let stop: () => void;

  beforeEach(async () => {
    room = openRoom("video");
    stop = streamClip(room, clip, CLIP_SECONDS);
    await viewer.page.goto(site.link("video"));
    await viewer.untilPlayed(1);
  });

  afterEach(() => {
    stop();
    room.stop();
    expect(viewer.complaints).toEqual([]);
  });

  test("plays near the live edge, with figures, muted until asked", async () => {
    await viewer.untilPlayed(3);
    await untilNearLive();
    await viewer.until("Number(bitrate.dataset.value) > 500");
    await viewer.until("Number(document.querySelector('#frame-rate').dataset.value) > 10");
    expect(await viewer.value("position")).toMatch(/^e1\.\d+$/);
    await viewer.until("state.dataset.value === 'live' && source.dataset.value === 'online'");
    expect(await viewer.value("gaps")).toBe("0");
    await viewer.until("viewers.dataset.value === '1'");
    await viewer.page.click("#unmute");
    expect(await viewer.page.evaluate("video.muted")).toBe(false);
  });

  test("continues after gaps, each with a new player and none left over", async () => {
    for (let gap = 1; gap <= 3; gap += 1) {
      room.skip();
      await viewer.until(`gaps.dataset.value === '${gap}'`);
      await viewer.untilPlayed(0.7);
    }
    expect(Number(await viewer.page.getAttribute("#gaps", "data-skipped"))).toBeGreaterThan(0);
    expect(await viewer.page.evaluate("objectUrls")).toBe(1);
    await untilNearLive();
  });

  test("the element tells of gaps and of the source", async () => {
    await viewer.page.evaluate(`globalThis.told = [];
      for (const type of ["gap", "source", "statechange"]) document.querySelector("roomcast-player").addEventListener(type,
        ({ detail }) => told.push(type + " " + (detail.reason ?? detail.state)))`);
    room.skip();
    await viewer.until("told.includes('gap lagged')");
    room.setSource(false);
    await viewer.until("told.includes('source offline') && told.includes('statechange waiting')");
  });

  test("continues with a new epoch", async () => {
    room.newEpoch();
    await viewer.until("position.dataset.value.startsWith('e2.')");
    await viewer.untilPlayed(1);
    expect(await viewer.page.evaluate("objectUrls")).toBe(1);
  });

  test("reconnects after a lost connection and resumes playback", async () => {
    const before = await viewer.page.evaluate<number>("video.currentTime");
    room.drop();
    await vi.waitFor(() => expect(room.starts).toHaveLength(2), 30_000);
    await viewer.untilPlayed(before + 2);
    expect(room.starts.at(-1)).toMatch(/e1\.\d+$/);
    await viewer.until("state.dataset.value === 'live' && gaps.dataset.value === '0'");
  });

  test("says that it reconnects while the room is away", async () => {
    room.closeAll(4000, "going_away retry=1500");
    await viewer.until("state.dataset.value === 'reconnecting' && notice.textContent.includes('lost')");
    await viewer.until("state.dataset.value === 'live'");
  });

  test("pauses, and continues live", async () => {
    await viewer.page.click("#pause");
    await viewer.until("video.paused && notice.textContent === 'Paused'");
    await viewer.page.click("#pause");
    await viewer.untilPlayed(1);
    await untilNearLive();
  });

  test("says when the source went and when it ended", async () => {
    stop();
    room.setSource(false);
    await viewer.until("source.dataset.value === 'offline' && notice.textContent === 'Waiting for the source'");
    room.publish([{ flags: Flag.end, payload: NULL_PACKET }]);
    await viewer.until("state.dataset.value === 'ended'");
  });
});

describe("payloads other than video", { timeout: 120_000 }, () => {
  afterEach(() => expect(viewer.complaints).toEqual([]));

  test("bytes are shown in hex", async () => {
    const room = openRoom("bytes");
    room.publish([{ flags: Flag.key, payload: Buffer.from("<b>one</b>\0") }]);
    await viewer.page.goto(site.link("bytes"));
    await viewer.until("hex.textContent.includes('3c 62 3e') && hex.textContent.includes('<b>one</b>')");
    room.publish([{ flags: Flag.key, payload: new TextEncoder().encode("two") }]);
    await viewer.until("hex.textContent.includes('two') && !video");
    room.stop();
  });

  test("JPEG frames are drawn as they come", async () => {
    const room = openRoom("pictures");
    const payload = await jpeg();
    room.publish([{ flags: Flag.key, payload }]);
    await viewer.page.goto(site.link("pictures"));
    await viewer.until("picture.width === 320 && picture.height === 180");
    for (let frame = 0; frame < 20; frame += 1) room.publish([{ flags: Flag.key, payload }]);
    await viewer.until("position.dataset.value === 'e1.20' && state.dataset.value === 'live'");
    expect(Number(await viewer.value("latency"))).toBeLessThan(10);
    room.stop();
  });
});

describe("the way in", { timeout: 120_000 }, () => {
  test("a refused token is explained", async () => {
    const room = openRoom("refusing");
    await viewer.page.goto(site.link("refusing", "wrong.token"));
    await viewer.until("state.dataset.value === 'refused'");
    expect(await viewer.page.textContent("#advice")).toContain("unauthorized");
    room.stop();
  });

  test("a kick is final, and explained", async () => {
    const room = openRoom("kicking");
    await viewer.page.goto(site.link("kicking"));
    await viewer.until("state.dataset.value === 'waiting'");
    room.closeAll(4508, "kicked");
    await viewer.until("state.dataset.value === 'refused'");
    expect(await viewer.page.textContent("#advice")).toContain("kicked");
    expect(viewer.complaints).toEqual([]);
    room.stop();
  });

  test("without a token the page asks for one, and keeps it in the fragment", async () => {
    const room = openRoom("asking");
    await viewer.page.goto(`${site.url}/rooms/asking`);
    await viewer.page.fill("#pasted", site.link("asking"));
    await viewer.page.press("#pasted", "Enter");
    await viewer.until("document.querySelector('#state')?.dataset.value === 'waiting'");
    expect(viewer.page.url()).toBe(site.link("asking"));
    room.stop();
  });

  test("a room is created with the operator key; link and commands are shown", async () => {
    await viewer.page.goto(site.url);
    await viewer.page.click("text=Create a room");
    await viewer.page.fill("#operator-key", "operator");
    await viewer.page.press("#operator-key", "Enter");
    await viewer.page.waitForSelector("#page-link");
    expect(await viewer.page.textContent("#page-link")).toBe(site.link("demo"));
    expect(await viewer.page.textContent("#test-command")).toContain("room=demo token=publish.token framing=mpegts");
    expect(await viewer.page.textContent("#file-command")).toMatch(/nc -N 127\.0\.0\.1 9000$/);
  });
});
