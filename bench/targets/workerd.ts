// A bare workerd with one Worker and one class of objects, on a port of its own.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "./process.ts";

const WORKERD = fileURLToPath(new URL("../../node_modules/workerd/bin/workerd", import.meta.url));

/** The same for all targets, and as in wrangler.toml. */
const COMPATIBILITY = { date: "2026-11-01", flags: ["no_web_socket_compression"] };

/** A Worker to run: its module, the class of its objects (bound as `ROOM`), and its vars. */
export interface WorkerSource {
  readonly script: string;
  readonly className: string;
  readonly vars?: Readonly<Record<string, string>>;
}

/** A running workerd. */
export interface RunningWorker extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts it; its storage and configuration are in a folder that goes with it. */
export async function startWorkerd(source: WorkerSource): Promise<RunningWorker> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-"));
  await mkdir(join(folder, "storage"));
  await writeFile(join(folder, "worker.js"), source.script);
  await writeFile(join(folder, "config.capnp"), configOf(source, join(folder, "storage")));
  const args = ["serve", join(folder, "config.capnp"), "--control-fd=3"];
  const [daemon, match] = await Daemon.start(WORKERD, args, /"event":"listen".*"port":(\d+)/);
  return {
    pid: daemon.pid,
    port: Number(match[1]),
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configOf({ className, vars = {} }: WorkerSource, storage: string): string {
  const bindings = [
    `(name = "ROOM", durableObjectNamespace = "${className}")`,
    ...Object.entries(vars).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "storage", disk = (path = ${JSON.stringify(storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY.date}",
  compatibilityFlags = ${JSON.stringify(COMPATIBILITY.flags)},
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [(className = "${className}", uniqueKey = "room", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}
