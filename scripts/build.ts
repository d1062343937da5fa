// Builds everything that is served or published: the page (dist/web), the Worker (dist/worker), the command (dist/cli)
// and the library (dist/browser, dist/node, dist/types).
import { execFileSync } from "node:child_process";
import { cp, glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = new URL("../", import.meta.url).pathname;

/** The exports of the library, by the names in package.json: `.` is `client`. */
const LIBRARY = { client: `${root}client/index.ts`, protocol: `${root}protocol/index.ts` };

/** The export for pages only: `./player`. */
const ELEMENT = { player: `${root}web/roomcast-player.ts` };

/** Its two builds: the file of client/ that is the environment, and the external packages. */
const PLATFORMS: Readonly<Record<string, BuildOptions>> = {
  browser: { entryPoints: { ...LIBRARY, ...ELEMENT }, platform: "browser", target: "es2022" },
  node: { entryPoints: LIBRARY, platform: "node", target: "node20", external: ["ws"] },
};

/** The page and its assets, and the library as one module for pages of any origin (`/roomcast.js`), into dist/web. */
export async function buildWeb(): Promise<void> {
  await mkdir(`${root}dist/web`, { recursive: true });
  const options: BuildOptions = { bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning" };
  await rm(`${root}dist/web/player`, { recursive: true, force: true });
  await build({
    ...options,
    // Shared and lazily loaded parts go into player/.
    entryPoints: [`${root}web/app.ts`, `${root}web/roomcast-player.ts`, `${root}web/console.ts`],
    chunkNames: "player/[name]-[hash]",
    splitting: true,
    outdir: `${root}dist/web`,
  });
  await build({
    ...options,
    entryPoints: { roomcast: LIBRARY.client },
    chunkNames: "player/[name]-[hash]",
    splitting: true,
    outdir: `${root}dist/web`,
    sourcemap: true,
  });
  for (const name of ["index.html", "style.css", "console.html", "console.css"])
    await cp(`${root}web/${name}`, `${root}dist/web/${name}`);
}

/**
 * The Worker as one module, into dist/worker: for the local runtime, and for `roomcast serve`. `wrangler` builds its
 * own bundle.
 */
export async function buildWorker(): Promise<void> {
  await build({
    entryPoints: [`${root}worker/index.ts`, `${root}worker/self-hosted.ts`],
    outdir: `${root}dist/worker`,
    bundle: true,
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    target: "es2024",
    logLevel: "warning",
  });
}

/**
 * Packages that stay outside the command: those that load code or native parts of their own, or are loaded on demand.
 */
const EXTERNAL = ["commander", "miniflare", "pino", "pino-pretty", "prom-client", "wrangler", "ws"];

/** The command as one file that runs on Node 20. It contains only the parts of zod, jose and smol-toml that it uses. */
async function buildCli(): Promise<void> {
  await rm(`${root}dist/cli`, { recursive: true, force: true });
  await build({
    entryPoints: [`${root}cli/roomcast.ts`],
    outfile: `${root}dist/cli/roomcast.js`,
    bundle: true,
    external: EXTERNAL,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
}

/** The library for each platform, with source maps. Its entries share one file, so nothing is duplicated. */
async function buildLibrary(): Promise<void> {
  for (const [name, options] of Object.entries(PLATFORMS)) {
    await rm(`${root}dist/${name}`, { recursive: true, force: true });
    await build({
      outdir: `${root}dist/${name}`,
      bundle: true,
      splitting: true,
      format: "esm",
      sourcemap: true,
      logLevel: "warning",
      ...options,
    });
  }
}

/** The library's declarations, as far as its entries need them. The compiler keeps the sources' names in them. */
async function buildTypes(): Promise<void> {
  const folder = `${root}dist/types`;
  await rm(folder, { recursive: true, force: true });
  execFileSync("tsc", ["-p", `${root}tsconfig.types.json`], { stdio: "inherit", shell: process.platform === "win32" });
  const needed = new Set(
    Object.values({ ...LIBRARY, ...ELEMENT }).map((path) => path.replace(root, `${folder}/`).replace(/\.ts$/, ".d.ts")),
  );
  for (const path of needed) {
    const text = await readFile(path, "utf8");
    const imports = /(?<=(?:from |import\(|import )")(\.[^"]*)\.ts(?=")/g;
    for (const [, name] of text.matchAll(imports)) needed.add(join(dirname(path), `${name}.d.ts`));
    await writeFile(path, text.replace(imports, "$1.js"));
  }
  for await (const path of glob(`${folder}/**/*.d.ts`)) if (!needed.has(path)) await rm(path);
}

if (import.meta.main) {
  await buildWeb();
  if (!process.argv.includes("--web")) await Promise.all([buildWorker(), buildCli(), buildLibrary(), buildTypes()]);
}
