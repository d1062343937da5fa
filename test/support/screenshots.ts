// Screenshots for people: stored if ROOMCAST_SCREENSHOTS names a folder.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";

/** Stores a screenshot of the page as `name`.png. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.ROOMCAST_SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
