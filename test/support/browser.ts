// A headless Chromium from npm packages only, for the tests of the page.
import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const PACKAGE = fileURLToPath(new URL("../", import.meta.resolve("@sparticuz/chromium")));
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** Unpacks the browser into the environment's directory, with the libraries that a bare machine lacks. */
const UNPACK = `
import chromium, { inflate } from "@sparticuz/chromium";
await chromium.executablePath(process.argv[1]);
await inflate(process.argv[1] + "/al2023.tar.br");`;

/** For machines without fonts: the fonts of the package. */
const FONTS_CONF = `<?xml version="1.0"?><fontconfig><dir prefix="relative">fonts</dir></fontconfig>`;

/** The first start reads all of the browser from the disk. */
const LAUNCH_MS = 60_000;

interface Start {
  readonly executablePath: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A camera and a microphone with movement and beeps, which need no permission. */
export const FAKE_DEVICES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

/**
 * Starts the browser that npm installed. If the machine lacks its libraries, it uses those of the package. If that
 * fails, too, it starts the system's Chromium. Throws the messages of all attempts. The caller closes it. `more`:
 * further arguments.
 */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const args = [...ARGS, ...more];
  const failures: unknown[] = [];
  for (const start of await starts()) {
    try {
      const { executablePath, env } = start;
      return await chromium.launch({ executablePath, args, env: plain(env), timeout: LAUNCH_MS });
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, failures.map(String).join("\n"));
}

async function starts(): Promise<Start[]> {
  const directory = await unpacked();
  const executablePath = join(directory, "chromium");
  const env: NodeJS.ProcessEnv = { ...process.env };
  if (!(await exists("/etc/fonts/fonts.conf"))) env.FONTCONFIG_FILE = join(directory, "fonts.conf");
  const libraries = [join(directory, "al2023", "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return [
    { executablePath, env },
    { executablePath, env: { ...env, LD_LIBRARY_PATH: libraries } },
    { executablePath: "/usr/bin/chromium", env: process.env },
  ];
}

/**
 * The directory with the unpacked browser. Processes that unpack at the same time do not see each other's incomplete
 * files.
 */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8")) as { version: string };
  const directory = join(tmpdir(), `roomcast-chromium-${version}`);
  if (await exists(directory)) return directory;
  const staging = await mkdtemp(`${directory}-`);
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", UNPACK, join(PACKAGE, "bin")], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: staging },
  });
  await writeFile(join(staging, "fonts.conf"), FONTS_CONF);
  try {
    await rename(staging, directory);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (!(await exists(directory))) throw error;
  }
  return directory;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function plain(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
