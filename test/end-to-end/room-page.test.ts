// A room's page for its owner, its members and strangers: created, stored, managed, used for messages, closed.
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { axeViolations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { createRoom, startTestRuntime, tokenWith } from "../support/local-room.ts";
import { keepScreenshot } from "../support/screenshots.ts";
import { Viewer } from "../web/support/viewer.ts";

let runtime: Runtime;
let browser: Browser;
let opened: Viewer[] = [];

beforeAll(async () => {
  [runtime, browser] = await Promise.all([
    startTestRuntime({ vars: { INGEST_URL: "tcp://127.0.0.1:9000" } }),
    launchBrowser(),
  ]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await runtime?.close();
});

afterEach(async () => {
  for (const { complaints, page } of opened) {
    // For the browser, the room's refusal is a network error.
    expect(
      complaints.filter((text) => !text.includes("status of 40") && !text.includes("WebSocket connection")),
    ).toEqual([]);
    await page.context().close();
  }
  opened = [];
});

async function open(path: string, context?: BrowserContext): Promise<Viewer> {
  const viewer = context === undefined ? await Viewer.open(browser) : await Viewer.in(context);
  opened.push(viewer);
  await viewer.page.goto(`${runtime.url}${path}`);
  return viewer;
}

async function look(viewer: Viewer, name: string): Promise<void> {
  expect(await axeViolations(viewer.page)).toEqual([]);
  await keepScreenshot(viewer.page, name);
}

async function settings(room: string, admin: string, change: object): Promise<void> {
  const headers = { authorization: `Bearer ${admin}` };
  const body = JSON.stringify({ settings: change });
  expect((await fetch(`${runtime.url}/api/rooms/${room}`, { method: "PATCH", headers, body })).status).toBe(200);
}

test("the owner's room outlives a reload: its links, its settings, who is there, and its end", async () => {
  const { page, until } = await openOwner();
  const text = (selector: string) => page.textContent(selector);
  const viewers = (await text("#page-link")) ?? "";
  expect(await text("#expiry")).toMatch(/^The links work until \w+, .+\. This browser remembers them until then\.$/);
  await page.selectOption("#system", "windows");
  expect(await text("#test-command")).toContain("npx roomcast send ");
  await page.reload();
  expect([await text("#page-link"), await text("#file-command")]).toEqual([
    viewers,
    expect.stringMatching(/nc -N \S+ \d+$/),
  ]);
  await look(opened[0] as Viewer, "created");
  await page.click("#open-room");
  await page.reload();
  await page.click("#manage > summary");
  await page.fill("#set-title", "Friday's <b>meeting</b>");
  await page.check("#set-presence");
  await page.check("#set-memberMessages");
  await page.fill("#set-embedOrigins", "nonsense");
  await page.press("#set-title", "Enter");
  await until(
    "document.querySelector('#set-embedOrigins').ariaInvalid === 'true' || document.activeElement.id === 'set-embedOrigins'",
  );
  expect(await text("#set-embedOrigins-problem")).not.toBe("");
  await page.fill("#set-embedOrigins", "");
  await page.press("#set-title", "Enter");
  await until("document.querySelector('#settings-said').textContent.startsWith('Saved')");
  await until("document.querySelector('h1#room').textContent === \"Friday's <b>meeting</b>\"");

  await page.fill("#link-name", "Ann");
  await page.check("#can-message");
  await page.press("#link-name", "Enter");
  await until("document.querySelectorAll('#links li').length === 3");
  const ann = await page.evaluate<string>("JSON.parse(localStorage['roomcast.rooms']).rooms[0].links[2].token");
  const guest = await open(`/rooms/${roomOf(page.url())}#token=${ann}`);
  await guest.until(
    "document.querySelector('#here li') !== null && document.querySelector('#message')?.checkVisibility()",
  );
  await guest.page.fill("#message", "hello <i>all</i>");
  await guest.page.press("#message", "Enter");
  await guest.until("document.querySelector('#messages').textContent.includes('You hello <i>all</i>')");
  await until("document.querySelector('#messages').textContent.includes('Ann hello <i>all</i>')");
  await look(guest, "talk");
  await look(opened[0] as Viewer, "owner");

  await until("document.querySelectorAll('#connections li').length === 2");
  await page.click("#connections button[aria-label='Disconnect Ann']");
  await guest.until("document.querySelector('#state').dataset.value === 'refused'");
  await page.click("#links button[aria-label='Revoke the link for Ann']");
  await until("document.querySelectorAll('#links li').length === 2");
  await guest.page.reload();
  await guest.until("document.querySelector('#advice')?.textContent.includes('token_revoked')");
  await page.click("#close-room");
  await page.click("#close-yes");
  await until("document.querySelector('#state').dataset.value === 'refused'");
  await page.goto(runtime.url);
  expect(await page.isVisible("#own-rooms")).toBe(false);
});

function roomOf(url: string): string {
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

async function openOwner() {
  const viewer = await open("/");
  await viewer.page.click("text=Create a room");
  await viewer.until("document.querySelector('#created')?.checkVisibility()");
  return { page: viewer.page, until: viewer.until.bind(viewer) };
}

test("errors stand at their fields", async () => {
  const viewer = await open("/");
  const { page } = viewer;
  await page.fill("#room-id", "no room!");
  await page.press("#room-id", "Enter");
  expect(await page.getAttribute("#room-id", "aria-invalid")).toBe("true");
  expect(await page.textContent("#room-id-problem")).toContain("letters, digits");
  await look(viewer, "create-error");
  const { room } = await createRoom(runtime.url);
  await page.fill("#room-id", room);
  await page.press("#room-id", "Enter");
  await viewer.until("document.querySelector('#room-id-problem').textContent.includes('taken')");
});

test("the link for viewers is handed on, as text and as a code, and gives no more rights than theirs", async () => {
  const { room, tokens } = await createRoom(runtime.url);
  const viewer = await open(`/rooms/${room}#token=${tokens.subscribe}`);
  await viewer.page.click("#share-link");
  await viewer.until("document.querySelector('#qr')?.width > 40");
  expect(await viewer.page.textContent("#link-text")).toBe(`${runtime.url}/rooms/${room}#token=${tokens.subscribe}`);
  await look(viewer, "link");
  await viewer.page.keyboard.press("Escape");
  await viewer.until("document.querySelector('dialog') === null");
  const both = await tokenWith({ room, can: ["subscribe", "publish"] });
  const sharer = await open(`/rooms/${room}#token=${both}`);
  await sharer.until(
    "document.querySelector('#state').dataset.value === 'waiting' && document.querySelector('#studio')",
  );
  expect(await sharer.page.isVisible("#share-link")).toBe(false);
});

test("H10 a public room needs no link; another one asks for it", async () => {
  const { room, tokens } = await createRoom(runtime.url);
  const stranger = await open(`/rooms/${room}`);
  await stranger.page.waitForSelector("#pasted");
  await look(stranger, "ask");
  await stranger.page.fill("#pasted", "no token");
  await stranger.page.press("#pasted", "Enter");
  expect(await stranger.page.textContent("#problem")).toBe("This contains no token.");
  await settings(room, tokens.admin, { public: true });
  await stranger.page.reload();
  await stranger.until("document.querySelector('#state')?.dataset.value === 'waiting'");
  await stranger.page.click("#share-link");
  await stranger.until(`document.querySelector('#link-text')?.textContent === '${runtime.url}/rooms/${room}'`);
});

test("a missing page is a page for people, and JSON for programs", async () => {
  for (const path of ["/nothing", "/rooms/-", "/rooms/-/embed"]) {
    const viewer = await Viewer.open(browser);
    const answer = await viewer.page.goto(`${runtime.url}${path}`);
    expect(answer?.status()).toBe(404);
    await viewer.page.waitForSelector("text=Nothing here");
    await viewer.page.close();
    expect(await (await fetch(`${runtime.url}${path}`)).json()).toMatchObject({ code: "not_found" });
  }
});

test("without JavaScript a page says that it needs it", async () => {
  const viewer = await Viewer.open(browser, { javaScriptEnabled: false });
  for (const path of ["/", "/rooms/demo"]) {
    await viewer.page.goto(`${runtime.url}${path}`);
    expect(await viewer.page.locator("noscript h1").textContent()).toBe("This page needs JavaScript");
    expect((await viewer.page.locator("noscript h1").boundingBox())?.height).toBeGreaterThan(10);
  }
  await viewer.page.close();
});
