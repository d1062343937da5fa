// A recording in a real browser while it grows: hls.js seeks into the past and returns to live, and so does the room's
// page.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { launchBrowser } from "../support/browser.ts";
import { liveMedia } from "../support/ffmpeg.ts";
import { startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { createRecordedRoom, RoomRecordings } from "../support/recordings.ts";
import { Viewer } from "../web/support/viewer.ts";

const HLS = fileURLToPath(import.meta.resolve("hls.js/dist/hls.min.js"));

let runtime: Runtime;
let bridge: TestBridge;
let browser: Browser;
let room: TestRoom;
let recordings: RoomRecordings;
let sources: Process[];

beforeAll(async () => {
  [runtime, browser] = await Promise.all([startTestRuntime(), launchBrowser()]);
  bridge = await startTestBridge(runtime.url);
  room = await createRecordedRoom(runtime.url, { historySeconds: 2 });
  recordings = new RoomRecordings(runtime.url, room);
  const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
  const send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
  const ffmpeg = liveMedia({ seconds: 600, gop: 30, outputs: ["pipe:1"] });
  send.reads(ffmpeg.child.stdout);
  sources = [ffmpeg, send];
  await recordings.reached(2);
}, 120_000);

afterAll(async () => {
  for (const source of sources ?? []) await source[Symbol.asyncDispose]();
  await browser?.close();
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
});

test("A8 hls.js plays the recording live, from its begin, and live again", async () => {
  const { playlist } = await recordings.reached(2);
  const viewer = await Viewer.open(browser);
  // A page with an origin other than the Worker's.
  const site = createServer((_, response) =>
    response
      .setHeader("content-type", "text/html")
      .end("<link rel=icon href=data:,><video id=player muted autoplay playsinline></video>"),
  );
  await once(site.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void site.close());
  await viewer.page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  await viewer.page.addScriptTag({ content: await readFile(HLS, "utf8") });
  await viewer.page.evaluate(`
    globalThis.player = document.querySelector("#player");
    globalThis.errors = [];
    globalThis.hls = new Hls({ liveSyncDuration: 6 });
    hls.on(Hls.Events.ERROR, (_, { fatal, details }) => errors.push(details + (fatal ? ", fatal" : "")));
    hls.loadSource(${JSON.stringify(playlist)});
    hls.attachMedia(player);`);
  await viewer.until(
    "player.currentTime > 0 && !player.paused && player.getVideoPlaybackQuality().totalVideoFrames > 10",
  );
  await viewer.page.evaluate(
    "player.currentTime = 0.2; globalThis.before = player.getVideoPlaybackQuality().totalVideoFrames",
  );
  // What it has played begins at the new position. The position itself goes on, and may be past any bound.
  await viewer.until(
    "player.played.length > 0 && player.played.start(0) < 0.5 && player.played.end(0) > 1 && player.getVideoPlaybackQuality().totalVideoFrames > before + 10",
  );
  await viewer.page.evaluate("player.currentTime = hls.liveSyncPosition; globalThis.from = player.currentTime");
  await viewer.until("from > 2 && player.currentTime > from + 1");
  expect(await viewer.page.evaluate("errors.filter((one) => one.includes('fatal'))")).toEqual([]);
  expect(viewer.complaints).toEqual([]);
  await viewer.page.close();
});

/** A part of the player on the page, as an expression. */
const part = (id: string) => `document.querySelector("roomcast-player").shadowRoot.getElementById("${id}")`;

function dragToTheBeginning({ page }: Viewer): Promise<unknown> {
  return page.evaluate(`{
    const slider = ${part("timeline")};
    slider.value = slider.min;
    for (const type of ["input", "change"]) slider.dispatchEvent(new Event(type));
  }`);
}

test("A9 the room's page has a time line: back to the begin of the recording, and live again", async () => {
  const viewer = await Viewer.open(browser);
  const state = (value: string) => `document.querySelector('#state')?.dataset.value === '${value}'`;
  await viewer.page.goto(room.links.page);
  await viewer.until(state("live"));
  await viewer.until(`${part("timeline")}.checkVisibility()`);
  await dragToTheBeginning(viewer);
  await viewer.until(state("past"));
  await viewer.until(`/^-\\d+:\\d\\d$/.test(${part("behind")}.textContent)`);
  await viewer.untilPlayed(2);
  await viewer.page.evaluate(`${part("live")}.click()`);
  await viewer.until(state("live"));
  await viewer.until(`${part("behind")}.textContent === "live"`);
  await viewer.untilPlayed(1);
  expect(await viewer.value("gaps")).toBe("0");
  expect(viewer.complaints).toEqual([]);
  await viewer.page.close();
});

describe("an element in a page of somebody else, whose server gives tickets", () => {
  /** The page at `/`; a POST gives a ticket. */
  async function siteOf(ticket: object): Promise<{ origin: string; asked: () => number }> {
    let asked = 0;
    const site = createServer(async (request, response) => {
      if (request.method !== "POST") {
        const module = `<script type="module" src="${runtime.url}/roomcast-player.js"></script>`;
        const element = `<roomcast-player room="${room.room}" ticket-url="/ticket"></roomcast-player>`;
        return response
          .setHeader("content-type", "text/html")
          .end(`<!doctype html><link rel="icon" href="data:,">${module}${element}`);
      }
      asked++;
      const body = JSON.stringify(ticket);
      const answer = await recordings.ask("/tickets", { method: "POST", body });
      response.setHeader("content-type", "application/json").end(await answer.text());
    });
    await once(site.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void site.close());
    return { origin: `http://127.0.0.1:${(site.address() as AddressInfo).port}`, asked: () => asked };
  }

  test("A7 H22 with a reusable ticket it has a time line, and no token in any address", async () => {
    const site = await siteOf({ reusable: true, ttlSeconds: 600 });
    const viewer = await Viewer.open(browser);
    const addresses: string[] = [];
    viewer.page.on("request", (request) => addresses.push(request.url()));
    await viewer.page.goto(site.origin);
    await viewer.untilPlayed(0.5);
    await viewer.until(`${part("timeline")}.checkVisibility()`);
    await dragToTheBeginning(viewer);
    await viewer.until(`/^-\\d+:\\d\\d$/.test(${part("behind")}.textContent)`);
    await viewer.untilPlayed(1);
    await viewer.page.evaluate(`${part("live")}.click()`);
    await viewer.until(`${part("behind")}.textContent === "live"`);
    await viewer.untilPlayed(0.5);
    expect(addresses.filter((url) => url.includes(room.tokens.subscribe))).toEqual([]);
    expect(viewer.complaints).toEqual([]);
    await viewer.page.close();
  });

  test("A7 with a ticket that serves once it plays without a time line, and asks for nothing in vain", async () => {
    const site = await siteOf({});
    const viewer = await Viewer.open(browser);
    const addresses: string[] = [];
    viewer.page.on("request", (request) => addresses.push(request.url()));
    await viewer.page.goto(site.origin);
    await viewer.untilPlayed(3);
    expect(await viewer.page.evaluate(`${part("timeline")}.checkVisibility()`)).toBe(false);
    expect(addresses.filter((url) => url.includes("/recordings"))).toEqual([]);
    expect(site.asked()).toBe(1);
    expect(viewer.complaints).toEqual([]);
    await viewer.page.close();
  });
});
