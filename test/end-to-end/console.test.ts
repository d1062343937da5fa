// The console in a real browser, over a Worker with a real index: with no room, three and five hundred rooms, actions
// on one of them, and also on a phone.
import { randomBytes } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Close } from "../../protocol/close.ts";
import { Flag } from "../../protocol/frame.ts";
import { axeViolations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { createRoom, SECRET, startTestRuntime, type TestRoom, tokenWith } from "../support/local-room.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { RoomApi } from "../support/room-api.ts";
import { keepScreenshot } from "../support/screenshots.ts";
import { DEPTHS, SpreadRoom } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

const MANY = 500;
const WAIT_MS = 30_000;
const SECRET_OF_WEBHOOKS = `whsec_${randomBytes(32).toString("base64")}`;

let receiver: WebhookReceiver;
let runtime: Runtime;
let browser: Browser;
let page: Page;
/** The complaints of the page: its policy, errors. */
const complaints: string[] = [];

beforeAll(async () => {
  receiver = await WebhookReceiver.start(SECRET_OF_WEBHOOKS);
  const vars = {
    LIMITS: "off",
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: SECRET_OF_WEBHOOKS,
    WEBHOOK_LOCAL: "on",
    WEBHOOK_RETRY_SECONDS: "0",
  };
  [browser, runtime] = await Promise.all([launchBrowser(), startTestRuntime({ vars, events: true })]);
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(WAIT_MS);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports the refusal of the wrong key, at an arbitrary time.
    const isRefusal = message.text().includes("401 (Unauthorized)");
    if (message.type() === "error" && !isRefusal) complaints.push(message.text());
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await runtime?.close();
  await receiver?.[Symbol.asyncDispose]();
});

/** Waits for a text in some element of the page. */
function shows(text: string | RegExp): Promise<void> {
  return page.getByText(text).first().waitFor();
}

async function isClean(name: string): Promise<void> {
  await keepScreenshot(page, name);
  expect(await axeViolations(page)).toEqual([]);
}

/** Frames of a group, five a second, until the publisher is closed. */
async function streamInto({ room, tokens }: TestRoom): Promise<Publisher> {
  const publisher = new Publisher({
    ...{ url: runtime.url, room, token: tokens.publish, environment: nodeEnvironment, format: "video/mp2t" },
  });
  await publisher.ready();
  let frames = 0;
  const timer = setInterval(() => {
    const flags = frames++ % 10 === 0 ? Flag.key : 0;
    publisher.write([{ payload: new Uint8Array(20_000), flags }]).catch(() => {});
  }, 100);
  publisher.closed.then(() => clearInterval(timer));
  return publisher;
}

test("the console asks for the operator's key, keeps it in the tab, and shows that there are no rooms", async () => {
  await page.goto(`${runtime.url}/console`);
  await isClean("console-key");
  await page.getByLabel("Operator key").fill("wrong-key");
  await page.getByRole("button", { name: "Open the console" }).click();
  await shows("This is not the operator key.");
  await page.getByLabel("Operator key").fill(SECRET);
  await page.getByRole("button", { name: "Open the console" }).click();
  await shows(/No room is open/);
  await shows("No webhooks yet.");
  await isClean("console-0-rooms");
  expect(page.url()).not.toContain(SECRET);
  expect(await page.evaluate("[localStorage.length, document.cookie]")).toEqual([0, ""]);
  const response = await fetch(`${runtime.url}/console`);
  expect(response.headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'$/);
  expect(complaints).toEqual([]);
});

test("three rooms: one live, one that waits, one that is closed; the live one is looked at and acted on", async () => {
  const [live, waiting, closed] = [
    await createRoom(runtime.url, "live"),
    await createRoom(runtime.url, "waiting"),
    await createRoom(runtime.url, "over"),
  ];
  const api = new RoomApi(runtime.url, live);
  await api.ask("PATCH", "", { settings: { title: "The town hall", recording: "all" } });
  await new RoomApi(runtime.url, closed).ask("DELETE", "");
  const publisher = await streamInto(live);
  const viewers = await Promise.all(
    ["", "&label=desk", "&label=phone"].map((label) =>
      new RawSubscriber(live.links.websocket, live.tokens.subscribe, { framed: true, query: label.slice(1) }).opened(),
    ),
  );
  const sleeper = await new RawSubscriber(waiting.links.websocket, waiting.tokens.subscribe, { framed: true }).opened();
  const row = page.getByRole("row", { name: /The town hall/ });
  await row.getByText("live", { exact: true }).last().waitFor();
  await row.getByRole("cell", { name: "3", exact: true }).waitFor();
  await page
    .getByRole("row", { name: /waiting/ })
    .getByText("open")
    .waitFor();
  await isClean("console-3-rooms");

  await page.getByRole("link", { name: "live", exact: true }).first().click();
  await page.getByRole("heading", { name: "live: The town hall" }).waitFor();
  await page.getByText("video/mp2t").first().waitFor();
  await page.getByText("per 1,000 viewer-hours").waitFor();
  await page.locator("#recordings li", { hasText: /main.*since .*, 0 gaps/ }).waitFor();
  await isClean("console-room");
  await page.evaluate("document.querySelector('#connections').scrollIntoView()");
  await keepScreenshot(page, "console-connections");
  await page.evaluate("document.querySelector('#settings').scrollIntoView()");
  await keepScreenshot(page, "console-forms");
  await page.setViewportSize({ width: 390, height: 844 });
  await keepScreenshot(page, "console-room-phone");
  const overflow = "document.documentElement.scrollWidth - innerWidth";
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 900 });

  // A kick, settings, a webhook, a revocation.
  await page.getByRole("row", { name: /desk/ }).getByRole("button", { name: /^Kick/ }).click();
  await waitFor("the kick", () => viewers[1]?.closed?.code === 4508, WAIT_MS);
  await page.getByLabel("Title").fill("Another title");
  await page.getByRole("button", { name: "Save the settings" }).click();
  await shows("The settings are saved. They apply from now on.");
  expect((await api.describe()).settings.title).toBe("Another title");
  await page.getByLabel(/^Address/).fill("ftp://nowhere");
  await page.getByRole("button", { name: "Save the address" }).click();
  await shows(/url: does not begin with https/);
  // The browser itself reports this refusal, too, at an arbitrary time.
  await waitFor("the browser's report", () => complaints.some((text) => text.includes("400 (Bad Request)")));
  complaints.length = 0;
  await page.getByLabel(/^Address/).fill(receiver.url);
  await page.getByRole("button", { name: "Save the address" }).click();
  await shows("The room sends its events to this address from now on.");
  expect(await api.ask("GET", "/webhook")).toMatchObject({ url: receiver.url });
  await page.getByRole("button", { name: "Revoke" }).click();
  await shows("Enter the subject or the jti.");
  const token = await tokenWith({ room: "live", jti: "to-be-revoked" });
  const guest = await new RawSubscriber(live.links.websocket, token, { framed: true }).opened();
  await page.getByLabel("Tokens to revoke").selectOption("jti");
  await page.getByLabel("Subject or jti").fill("to-be-revoked");
  await page.getByRole("button", { name: "Revoke" }).click();
  await shows("The tokens are revoked, and their connections are closed.");
  await waitFor("the revocation", () => guest.closed?.code === Close.revoked.code, WAIT_MS);

  // A webhook is sent again.
  const created = receiver.received.filter(({ type, data }) => type === "room.created" && data.room === "live");
  expect(created.length).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Send again: room.created" }).first().click();
  await waitFor(
    "the webhook, again",
    () => receiver.received.filter(({ id }) => id === created[0]?.id).length > created.length,
    WAIT_MS,
  );

  // The room is closed.
  await page.getByLabel("Type the room's id to confirm").fill("not-it");
  await page.getByRole("button", { name: "Close permanently" }).click();
  await shows(/not the id of this room/);
  await page.getByLabel("Type the room's id to confirm").fill("live");
  await page.getByRole("button", { name: "Close permanently" }).click();
  await page.getByRole("heading", { name: "Rooms", exact: true }).waitFor();
  await waitFor("the close", () => viewers[0]?.closed?.code === 4506, WAIT_MS);
  await page.getByLabel("State").selectOption("closed");
  await page.getByRole("row", { name: /Another title/ }).waitFor();
  expect(complaints).toEqual([]);
  publisher.close();
  for (const one of [...viewers, sleeper]) one.socket.close();
});

test("five hundred rooms are listed in pages, and one of them is found", async () => {
  for (let from = 0; from < MANY; from += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        createRoom(runtime.url, `many-${String(from + index).padStart(3, "0")}`),
      ),
    );
  }
  await page.getByLabel("State").selectOption("open");
  await page.locator("#open-rooms", { hasText: /^501$/ }).waitFor();
  await waitFor("a page of rooms", async () => (await page.locator("#rooms tr").count()) === 200, WAIT_MS);
  await isClean("console-500-rooms");
  await page.getByRole("button", { name: "Show more rooms" }).click();
  await waitFor("the next page", async () => (await page.locator("#rooms tr").count()) === 400, WAIT_MS);
  await page.getByLabel("Part of an id or a title").fill("NY-47");
  await waitFor("ten rooms", async () => (await page.locator("#rooms tr").count()) === 10, WAIT_MS);
  await page.setViewportSize({ width: 390, height: 844 });
  await isClean("console-phone");
  expect(complaints).toEqual([]);
});

test("the objects of a large room are a tree", async () => {
  const vars = { LIMITS: "off", MAX_OBJECT_SUBSCRIBERS: "2" };
  const large = await startTestRuntime({ vars, events: true });
  const other = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  try {
    using room = await SpreadRoom.create(large.url);
    await other.goto(`${large.url}/console#/rooms/${room.id}`);
    await other.getByLabel("Operator key").fill(SECRET);
    await other.getByRole("button", { name: "Open the console" }).click();
    const [, first = "", below = ""] = DEPTHS.map((depth) => depth.slice(1));
    await other.locator("#tree > li > ul > li", { hasText: first }).first().waitFor();
    await other.locator("#tree > li > ul > li > ul > li", { hasText: below }).first().waitFor();
    // Nothing was streamed.
    await other.getByText("now –, peak –").waitFor();
    await keepScreenshot(other, "console-tree");
  } finally {
    await other.close();
    await large.close();
  }
});

test("who forgets the key has to show it again", async () => {
  await page.getByRole("button", { name: "Forget the key" }).click();
  await page.getByLabel("Operator key").waitFor();
  expect(await page.evaluate("sessionStorage.length")).toBe(0);
});
