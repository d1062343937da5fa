// Builds what is served and what is published: the page (dist/web), the Worker (dist/worker) and the command (dist/cli).
import { cp, mkdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const root = new URL("../", import.meta.url).pathname;

/** The page and its assets, into dist/web. */
export async function buildWeb(): Promise<void> {
  await mkdir(`${root}dist/web`, { recursive: true });
  await build({
    entryPoints: [`${root}web/app.ts`],
    outdir: `${root}dist/web`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    sourcemap: false,
    logLevel: "warning",
  });
  for (const name of ["index.html", "style.css"]) await cp(`${root}web/${name}`, `${root}dist/web/${name}`);
}

/** The Worker as one module, into dist/worker: what the local runtime starts. `wrangler` bundles its own. */
export async function buildWorker(): Promise<void> {
  await build({
    entryPoints: [`${root}worker/index.ts`],
    outfile: `${root}dist/worker/index.js`,
    bundle: true,
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    target: "es2024",
    logLevel: "warning",
  });
}

/** Packages that stay outside of the command: those that load code or native parts of their own, or come when asked for. */
const EXTERNAL = ["commander", "miniflare", "pino", "pino-pretty", "prom-client", "wrangler", "ws"];

/** The command as one file that runs on Node 20. Of zod, jose and smol-toml it holds what it uses: less to load and keep. */
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

if (import.meta.main) {
  await buildWeb();
  if (!process.argv.includes("--web")) await Promise.all([buildWorker(), buildCli()]);
}
