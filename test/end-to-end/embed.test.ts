// The player in plain pages of other origins, and in frames on them; pages that are not allowed are refused.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { axeViolations } from "../support/axe.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { launchBrowser } from "../support/browser.ts";
import { LiveSource, MEDIA } from "../support/live-source.ts";
import { createRoom, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { keepScreenshot } from "../support/screenshots.ts";
import { Viewer } from "../web/support/viewer.ts";

/** Records the element's events; it is ready before the element is. */
const RECORD = `
  globalThis.told = [];
  addEventListener("DOMContentLoaded", () => {
    const player = document.querySelector("roomcast-player");
    player?.addEventListener("statechange", ({ detail }) => told.push([detail.state, detail.code].filter(Boolean).join(" ")));
    player?.addEventListener("source", ({ detail }) => told.push(detail.track + " " + detail.state));
  });`;

let runtime: Runtime;
let bridge: TestBridge;
let browser: Browser;
let friend: Site;
let stranger: Site;
let room: TestRoom;
let source: LiveSource;
let viewer: Viewer;

/**
 * A third-party web server, with pages by their paths. `POST /ticket` returns a ticket that its owner gets from the
 * room.
 */
class Site {
  readonly #server: Server;
  readonly pages = new Map<string, string>();
  policy: string | undefined;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      if (request.method === "POST") {
        const headers = { authorization: `Bearer ${room.tokens.subscribe}` };
        const answer = await fetch(`${runtime.url}/api/rooms/${room.room}/tickets`, {
          method: "POST",
          headers,
          body: "{}",
        });
        return response.setHeader("content-type", "application/json").end(await answer.text());
      }
      if (this.policy !== undefined) response.setHeader("content-security-policy", this.policy);
      response.setHeader("content-type", "text/html").end(this.pages.get(request.url ?? "") ?? "");
    });
  }

  static async start(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((resolve) => site.#server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

beforeAll(async () => {
  [friend, stranger, browser] = await Promise.all([Site.start(), Site.start(), launchBrowser()]);
  runtime = await startTestRuntime({ vars: { ALLOWED_ORIGINS: friend.origin } });
  bridge = await startTestBridge(runtime.url);
  room = await createRoom(runtime.url);
  await settings({ embedOrigins: [friend.origin] });
  source = LiveSource.media(
    bridge.port,
    { room: room.room, token: room.tokens.publish, framing: "mpegts" },
    MEDIA.mpegts,
  );
  for (const site of [friend, stranger]) {
    const head =
      '<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,"><main><h1>Elsewhere</h1>';
    const element = (attributes: string) =>
      `${head}<script type="module" src="${runtime.url}/roomcast-player.js"></script>
      <roomcast-player room="${room.room}" ${attributes}></roomcast-player>`;
    site.pages.set("/element", element(`token="${room.tokens.subscribe}"`));
    site.pages.set("/ticket", element('ticket-url="/ticket"'));
    const frame = (fragment: string) =>
      `${head}<iframe title="Live" width="640" height="420" src="${runtime.url}/rooms/${room.room}/embed${fragment}"></iframe>`;
    site.pages.set("/frame", frame(`#token=${room.tokens.subscribe}`));
    site.pages.set("/public", frame(""));
  }
}, 120_000);

afterAll(async () => {
  source?.stop();
  await browser?.close();
  friend?.close();
  stranger?.close();
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
});

afterEach(() => viewer.page.close());

async function settings(change: object): Promise<void> {
  const headers = { authorization: `Bearer ${room.tokens.admin}` };
  const answer = await fetch(`${runtime.url}/api/rooms/${room.room}`, {
    method: "PATCH",
    headers,
    body: JSON.stringify({ settings: change }),
  });
  expect(answer.status).toBe(200);
}

async function open(url: string): Promise<void> {
  viewer = await Viewer.open(browser);
  await viewer.page.addInitScript(RECORD);
  await viewer.page.goto(url);
}

test("H21 the element plays in a plain page of another origin, whose policy is strict, and tells what happens", async () => {
  const socket = runtime.url.replace("http", "ws");
  friend.policy = `default-src 'none'; script-src ${runtime.url}; connect-src ${runtime.url} ${socket}; media-src blob:; img-src data:; require-trusted-types-for 'script'`;
  await open(`${friend.origin}/element`);
  friend.policy = undefined;
  await viewer.untilPlayed(1);
  await viewer.until("told.includes('live')");
  // If a picture is visible at once, there is no time for `waiting`.
  expect(await viewer.page.evaluate("told")).toEqual(expect.arrayContaining(["main online", "live"]));
  const status = () =>
    viewer.page
      .locator("roomcast-player")
      .evaluate((player) => player.shadowRoot?.getElementById("status")?.textContent);
  await expect.poll(status, { timeout: 30_000 }).toMatch(/^live, \d+\.\d s behind the publisher's clock$/);
  expect(await axeViolations(viewer.page)).toEqual([]);
  expect(viewer.complaints).toEqual([]);
  await keepScreenshot(viewer.page, "element");
});

test("H13 the element in a page of an origin that is not allowed is refused, and says so", async () => {
  await open(`${stranger.origin}/element`);
  await viewer.until("told.includes('refused origin_not_allowed')");
  await viewer.until("notice.textContent.includes('not allowed')");
  expect(await viewer.page.evaluate("told.includes('live')")).toBe(false);
  await keepScreenshot(viewer.page, "element-refused");
});

test("H4 the element comes in with a ticket of the page's own server: no token is in the page or in any address", async () => {
  viewer = await Viewer.open(browser);
  const addresses: string[] = [];
  viewer.page.on("request", (request) => addresses.push(request.url()));
  viewer.page.on("websocket", (opened) => addresses.push(opened.url()));
  await viewer.page.goto(`${friend.origin}/ticket`);
  await viewer.untilPlayed(0.5);
  expect(addresses.filter((url) => /\/ws\?.*ticket=[0-9a-z]{32}/.test(url))).toHaveLength(1);
  expect(addresses.filter((url) => url.includes(room.tokens.subscribe))).toEqual([]);
  expect(viewer.complaints).toEqual([]);
});

test("H21 the player plays in a frame of an origin that the room allows; in another's there is nothing", async () => {
  await open(`${friend.origin}/frame`);
  const frame = viewer.page.frameLocator("iframe");
  await expect.poll(() => frame.locator("#status").textContent(), { timeout: 30_000 }).toMatch(/^live, /);
  for (const part of viewer.page.frames()) expect(await axeViolations(part)).toEqual([]);
  expect(viewer.complaints).toEqual([]);
  await keepScreenshot(viewer.page, "frame");
  await viewer.page.close();

  await open(`${stranger.origin}/frame`);
  await expect.poll(() => viewer.complaints.join(), { timeout: 30_000 }).toContain("frame-ancestors");
  expect(await viewer.page.frameLocator("iframe").locator("roomcast-player").count()).toBe(0);
});

test("H21 H10 in a public room a frame needs no token, and says so where the room is none", async () => {
  await open(`${friend.origin}/public`);
  const frame = viewer.page.frameLocator("iframe");
  await expect.poll(() => frame.locator("#status").textContent(), { timeout: 30_000 }).toBe("refused");
  await viewer.page.close();
  await settings({ public: true });
  await open(`${friend.origin}/public`);
  await expect
    .poll(() => viewer.page.frameLocator("iframe").locator("#status").textContent(), { timeout: 30_000 })
    .toMatch(/^live, /);
});
