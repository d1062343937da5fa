// A bare workerd with one Worker and its objects, on its own port.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "./process.ts";

const WORKERD = fileURLToPath(new URL("../../node_modules/workerd/bin/workerd", import.meta.url));

/** The same for all targets, and as in wrangler.toml. */
const COMPATIBILITY = { date: "2026-11-01", flags: ["no_web_socket_compression"] };

/** A Worker to run: its module, the classes of its objects by their bindings, and its vars. */
export interface WorkerSource {
  readonly script: string;
  readonly objects: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  /** The binding of a folder for objects of another kind; undefined: it needs none. */
  readonly disk?: string | undefined;
  /** Bindings of a queue that takes everything, and forgets it. */
  readonly queues?: readonly string[];
}

/** Gives the same answers as the runtime's queues. */
const QUEUE = `export default {
  async fetch(request) {
    await request.arrayBuffer();
    return Response.json({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 } } });
  },
};
`;

/** A running workerd. */
export interface RunningWorker extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts it. Its storage and configuration are in a folder that is deleted with it. */
export async function startWorkerd(source: WorkerSource): Promise<RunningWorker> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-"));
  for (const name of ["storage", "disk"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "worker.js"), source.script);
  await writeFile(join(folder, "queue.js"), QUEUE);
  await writeFile(join(folder, "config.capnp"), configOf(source, folder));
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

function configOf({ objects, vars = {}, disk, queues = [] }: WorkerSource, folder: string): string {
  const bindings = [
    ...Object.entries(objects).map(
      ([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`,
    ),
    ...Object.entries(vars).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`),
    ...(disk === undefined ? [] : [`(name = "${disk}", service = "disk")`]),
    ...queues.map((name) => `(name = "${name}", queue = "queue")`),
  ];
  const namespaces = Object.entries(objects).map(
    ([name, className]) => `(className = "${className}", uniqueKey = "${name.toLowerCase()}", enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "queue", worker = .queue),
    (name = "storage", disk = (path = ${JSON.stringify(join(folder, "storage"))}, writable = true)),
    (name = "disk", disk = (path = ${JSON.stringify(join(folder, "disk"))}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY.date}",
  compatibilityFlags = ${JSON.stringify(COMPATIBILITY.flags)},
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),
);
const queue :Workerd.Worker = (
  modules = [(name = "queue.js", esModule = embed "queue.js")],
  compatibilityDate = "${COMPATIBILITY.date}",
);
`;
}
