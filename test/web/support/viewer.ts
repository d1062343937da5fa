// One viewer's browser page, with its complaints.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { vi } from "vitest";

/** Only a test that fails waits this long. */
const WAIT_MS = 30_000;

/** Counts the object URLs that are not revoked: each keeps a player's MediaSource, or a picture. */
const COUNT_OBJECT_URLS = `
  globalThis.objectUrls = 0;
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (of) => { objectUrls += 1; return createObjectURL(of); };
  URL.revokeObjectURL = (url) => { objectUrls -= 1; revokeObjectURL(url); };`;

/** Makes the parts of the player available by their ids, as if they belonged to the page. */
export const NAME_PARTS = `
  for (const id of ["video", "picture", "notice", "hex", "bytes", "log", "search", "count"]) {
    const get = () => document.querySelector("roomcast-player")?.shadowRoot?.getElementById(id);
    Object.defineProperty(globalThis, id, { get });
  }`;

/** A separate page; `objectUrls` counts in it. */
export class Viewer {
  readonly page: Page;
  /** Console errors (policy violations are among them) and uncaught errors. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  static async open(browser: Browser, options?: BrowserContextOptions): Promise<Viewer> {
    return Viewer.#watch(await browser.newPage(options));
  }

  /** Another page of the same user. */
  static async in(context: BrowserContext): Promise<Viewer> {
    return Viewer.#watch(await context.newPage());
  }

  static async #watch(page: Page): Promise<Viewer> {
    const viewer = new Viewer(page);
    await viewer.page.addInitScript(COUNT_OBJECT_URLS + NAME_PARTS);
    return viewer;
  }

  /** Waits until an expression is true in the page. (`waitForFunction` would need the policy to allow eval.) */
  async until(expression: string): Promise<void> {
    const check = async () => {
      if (!(await this.page.evaluate(expression))) throw new Error(`in the page, this is not true: ${expression}`);
    };
    await vi.waitFor(check, { timeout: WAIT_MS, interval: 100 });
  }

  /** Waits until the current player has shown this number of seconds. */
  untilPlayed(seconds: number): Promise<void> {
    return this.until(`video.currentTime >= ${seconds} && video.getVideoPlaybackQuality().totalVideoFrames >= 10`);
  }

  /** A value of the board in its raw form. */
  value(id: string): Promise<string | null> {
    return this.page.getAttribute(`#${id}`, "data-value");
  }
}
