// The Worker on this machine: the real runtime, configured by wrangler.toml, without wrangler's own proxy in front.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Miniflare, V4MiniflareOptions } from "miniflare";
import { Failure } from "./failure.ts";
import { packageRoot } from "./package-root.ts";

export interface RuntimeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host?: string;
  /** Where the rooms' storage is kept; undefined: it is gone when the runtime stops. */
  readonly state?: string | undefined;
  /** Vars and secrets, over those of wrangler.toml and .dev.vars. */
  readonly vars: Readonly<Record<string, string>>;
}

/** A running Worker. */
export interface Runtime {
  readonly url: string;
  readonly miniflare: Miniflare;
  close(): Promise<void>;
}

const FRONT = "front";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Starts the built Worker (`npm run build`). Throws `Failure` where it is not built, or its tools are not installed. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const root = packageRoot();
  const script = join(root, "dist/worker/index.js");
  if (!existsSync(script)) throw new Failure("the Worker is not built: npm run build");
  const { Miniflare, convertV4MiniflareOptions, unstable_getMiniflareWorkerOptions } = await loadTools();
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, "wrangler.toml"));
  const ours = SIGNALS.flatMap((signal) => process.listeners(signal));
  const room = {
    ...workerOptions,
    name: "roomcast",
    modules: [{ type: "ESModule", path: script }],
    bindings: { ...(workerOptions.bindings as object), ...options.vars },
    // Rooms of one machine share its disk, which may be full.
    durableObjects: {
      ...(workerOptions.durableObjects as object),
      STORAGE_PROBE: { className: "StorageProbe", useSQLite: true },
    },
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [room, frontOf(room, options)],
      rootPath: root,
      cf: false,
      telemetry: { enabled: false },
      ...(options.state !== undefined && { resourcePersistencePath: resolve(options.state) }),
    } as V4MiniflareOptions),
  );
  // Miniflare's would end the process at once: to end, in order, is the caller's business.
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) if (!ours.includes(listener)) process.off(signal, listener);
  }
  await miniflare.ready;
  const url = (await miniflare.unsafeGetDirectURL(FRONT)).origin;
  return { url, miniflare, close: () => miniflare.dispose() };
}

/**
 * The Worker that listens: it passes everything on. Miniflare's own entry does not know the compatibility flags of the
 * Worker behind it, and would compress the messages of every client that offers it.
 */
function frontOf(
  room: { name: string; compatibilityDate?: string; compatibilityFlags?: string[] },
  options: RuntimeOptions,
) {
  return {
    name: FRONT,
    modules: true,
    script: "export default { fetch: (request, env) => env.BEHIND.fetch(request) };",
    compatibilityDate: room.compatibilityDate,
    compatibilityFlags: room.compatibilityFlags,
    serviceBindings: { BEHIND: room.name },
    unsafeDirectSockets: [{ host: options.host ?? "127.0.0.1", port: options.port }],
  };
}

async function loadTools() {
  // Wrangler would say on stdout which file it reads.
  process.env.WRANGLER_LOG ??= "error";
  try {
    const [miniflare, wrangler] = await Promise.all([import("miniflare"), import("wrangler")]);
    return { ...miniflare, ...wrangler };
  } catch (cause) {
    throw new Failure("running the Worker here needs Node 22 and the package wrangler: npm install wrangler", 1, {
      cause,
    });
  }
}
