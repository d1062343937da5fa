// The Worker on this machine: the real runtime, configured by wrangler.toml, without wrangler's proxy in front of it.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Miniflare, V4MiniflareOptions } from "miniflare";
import { Failure } from "./failure.ts";
import { guardChildren } from "./guard.ts";
import { packageRoot } from "./package-root.ts";

export interface RuntimeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host?: string;
  /** The folder of the rooms' storage; undefined: the storage is deleted when the runtime stops. */
  readonly state?: string | undefined;
  /** Vars and secrets, which override those of wrangler.toml and .dev.vars. */
  readonly vars: Readonly<Record<string, string>>;
  /** Adds queues and an index of rooms, as an operator would. */
  readonly events?: boolean | undefined;
  /** A build of the Worker other than that of `npm run build`. */
  readonly script?: string | undefined;
}

/** A running Worker. */
export interface Runtime {
  readonly url: string;
  readonly miniflare: Miniflare;
  close(): Promise<void>;
}

const FRONT = "front";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The bindings of docs/operating.md, with shorter times. */
const EVENTS = {
  d1Databases: { INDEX: "roomcast-index" },
  queueProducers: { EVENTS: "roomcast-events", WEBHOOKS: "roomcast-webhooks" },
  queueConsumers: {
    "roomcast-events": { maxBatchSize: 50, maxBatchTimeout: 0.2, maxRetries: 50, deadLetterQueue: "roomcast-dead" },
    "roomcast-webhooks": { maxBatchSize: 20, maxBatchTimeout: 0.2, maxRetries: 10, deadLetterQueue: "roomcast-dead" },
    "roomcast-dead": { maxBatchSize: 20, maxBatchTimeout: 0.2, maxRetries: 50 },
  },
};

/**
 * Starts the built Worker (`npm run build`). Throws `Failure` if it is not built, or if its tools are not installed.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const root = packageRoot();
  const script = options.script ?? join(root, "dist/worker/index.js");
  if (!existsSync(script)) throw new Failure("the Worker is not built: npm run build");
  const { Miniflare, convertV4MiniflareOptions, unstable_getMiniflareWorkerOptions } = await loadTools();
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, "wrangler.toml"));
  const ours = SIGNALS.flatMap((signal) => process.listeners(signal));
  const room = {
    ...workerOptions,
    name: "roomcast",
    modules: [{ type: "ESModule", path: script }],
    bindings: { ...(workerOptions.bindings as object), ...options.vars },
    // Rooms on one machine share its disk, which may be full.
    durableObjects: {
      ...(workerOptions.durableObjects as object),
      STORAGE_PROBE: { className: "StorageProbe", useSQLite: true },
    },
    // Makes recordings possible, whatever wrangler.toml binds.
    r2Buckets: { RECORDINGS: "recordings" },
    ...(options.events && EVENTS),
  };
  const unguard = guardChildren();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [room, frontOf(room, options)],
      rootPath: root,
      cf: false,
      telemetry: { enabled: false },
      ...(options.state !== undefined && { resourcePersistencePath: resolve(options.state) }),
    } as V4MiniflareOptions),
  );
  // Miniflare's handlers would end the process at once. The caller ends it in an orderly way instead.
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) if (!ours.includes(listener)) process.off(signal, listener);
  }
  try {
    await miniflare.ready;
  } catch (error) {
    // Otherwise its open handles would keep the process alive.
    await miniflare.dispose().catch(() => undefined);
    throw error;
  } finally {
    unguard();
  }
  const url = (await miniflare.unsafeGetDirectURL(FRONT)).origin;
  return { url, miniflare, close: () => miniflare.dispose() };
}

/**
 * The Worker that listens. It passes everything on. Miniflare's own entry does not know the compatibility flags of the
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
  // Otherwise, wrangler would print on stdout which file it reads.
  process.env.WRANGLER_LOG ??= "error";
  try {
    const [miniflare, wrangler] = await Promise.all([import("miniflare"), import("wrangler")]);
    return { ...miniflare, ...wrangler };
  } catch (cause) {
    throw new Failure("to run the Worker here, you need Node 22 and the package wrangler: npm install wrangler", 1, {
      cause,
    });
  }
}
