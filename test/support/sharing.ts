// Users who share into a room of a real Worker and watch it, each in their own browser context.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { expect } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Viewer } from "../web/support/viewer.ts";
import { FAKE_DEVICES, launchBrowser } from "./browser.ts";
import { createRoom, startTestRuntime, type TestRoom } from "./local-room.ts";

/** True if a page shows a live room. */
export const LIVE = "document.querySelector('#state')?.dataset.value === 'live'";
/** True if a page is sharing at full quality. */
export const SHARES = "document.querySelector('#share-state')?.dataset.value === 'live'";

/** The loudest sample of the sound within a second and a half, by the browser's own decoder. */
export const LOUDEST = `(async () => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 8192 });
  context.createMediaStreamSource(video.captureStream()).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (const end = Date.now() + 1500; Date.now() < end; await new Promise((next) => setTimeout(next, 50))) {
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return loudest;
})()`;

interface Options {
  /** The page's origin, and the target of its WebSockets. */
  readonly base?: string;
  /** Runs in the page before anything else. */
  readonly script?: string;
}

/** A Worker, a browser with a camera that moves and beeps, a folder, and a room for each test. */
export class Sharing {
  readonly runtime: Runtime;
  readonly browser: Browser;
  readonly folder: string;
  #room: TestRoom | undefined;
  #opened: Viewer[] = [];

  private constructor(runtime: Runtime, browser: Browser, folder: string) {
    this.runtime = runtime;
    this.browser = browser;
    this.folder = folder;
  }

  static async start(): Promise<Sharing> {
    const folder = mkdtemp(join(tmpdir(), "roomcast-share-"));
    return new Sharing(...(await Promise.all([startTestRuntime(), launchBrowser(FAKE_DEVICES), folder])));
  }

  get room(): TestRoom {
    if (this.#room === undefined) throw new Error("there is no room");
    return this.#room;
  }

  async newRoom(): Promise<void> {
    this.#room = await createRoom(this.runtime.url);
  }

  /** Closes everything, and checks that there were no complaints. */
  async leave(): Promise<void> {
    const opened = this.#opened;
    this.#opened = [];
    const complaints = opened.flatMap((viewer) => viewer.complaints);
    for (const { page } of opened) await page.context().close();
    expect(complaints, "on the console, policy violations among them").toEqual([]);
  }

  /** Ignores the browser's messages about a cut network. */
  forgive(): void {
    for (const { complaints } of this.#opened) complaints.length = 0;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.runtime.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A new browser context, on the room's page if there is a token. */
  async open(token?: string, { base = this.runtime.url, script }: Options = {}): Promise<Viewer> {
    const viewer = await Viewer.in(await this.browser.newContext());
    this.#opened.push(viewer);
    if (script !== undefined) await viewer.page.addInitScript(script);
    await viewer.page.goto(token === undefined ? base : `${base}/rooms/${this.room.room}#token=${token}`);
    return viewer;
  }

  watch(options?: Options): Promise<Viewer> {
    return this.open(this.room.tokens.subscribe, options);
  }

  /** Shares the camera. */
  async share(options?: Options): Promise<Viewer> {
    const sharer = await this.open(this.room.tokens.publish, options);
    await sharer.page.click("#share-camera-button");
    await sharer.until(SHARES);
    return sharer;
  }
}

/** Checks that pictures change. */
export async function expectMovement(viewer: Viewer): Promise<void> {
  const shot = () => viewer.page.locator("roomcast-player #video").screenshot();
  const before = await shot();
  await expect.poll(async () => before.equals(await shot()), { timeout: 20_000 }).toBe(false);
}
