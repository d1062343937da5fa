// The configuration of workerd: the Worker of wrangler.toml, with its objects on this machine's disk.
import { type Cluster, clusterConfig } from "./cluster.ts";
import { quote } from "./quote.ts";
import { type RecordingsPlace, recordingsBindings, recordingsService } from "./recordings.ts";
import type { WorkerManifest } from "./worker-manifest.ts";

/** The parts that depend on this machine. Paths are absolute. */
export interface WorkerdOptions {
  readonly manifest: WorkerManifest;
  /** These override those of the manifest. */
  readonly vars: Readonly<Record<string, string>>;
  /** Names of variables of workerd's environment: secrets stay out of the file. */
  readonly secrets: readonly string[];
  readonly assets: string;
  readonly objects: string;
  /** The place of recordings; undefined: rooms cannot be recorded. */
  readonly recordings?: RecordingsPlace | undefined;
  readonly trustProxy: string;
  /** True if rooms report events. */
  readonly events: boolean;
  readonly cluster?: Cluster | undefined;
}

/** The names of the sockets; their addresses are on the command line. */
export const HTTP_SOCKET = "http";
export const CONTROL_SOCKET = "control";

/** The module's file, beside the configuration. */
export const MODULE = "worker.js";

/** These replace D1 and Queues. */
const OPERATORS = [
  { binding: "LOCAL_INDEX", className: "LocalIndex" },
  { binding: "LOCAL_QUEUES", className: "LocalQueue" },
];

/** Rooms on one machine share its disk, which may be full. Rooms of a cluster share a bucket, which may be gone. */
const PROBE = { binding: "STORAGE_PROBE", className: "StorageProbe" };

/** In a cluster: used by a room to start relays at several instances. */
const INSTANCES = { binding: "INSTANCES", className: "Instance" };

/** Where webhooks may go. workerd itself refuses private addresses otherwise, whatever a name leads to. */
function reach(webhookLocal: string | undefined): string {
  return webhookLocal === "on" ? '"public", "private"' : '"public"';
}

/** The text of the configuration file. */
export function workerdConfig(options: WorkerdOptions): string {
  const { manifest, vars, secrets, assets, objects, recordings, trustProxy, events, cluster } = options;
  const { compatibilityDate, compatibilityFlags, rateLimits } = manifest;
  const classes = [
    ...manifest.objects,
    ...(events ? OPERATORS : []),
    PROBE,
    ...(cluster === undefined ? [] : [INSTANCES]),
  ];
  const texts: Record<string, string> = {
    ...manifest.vars,
    ...vars,
    RATE_LIMITS: JSON.stringify(rateLimits),
    TRUSTED_PROXIES: trustProxy,
    ...(cluster && { INSTANCE: cluster.instance }),
  };
  const bindings = [
    ...classes.map(
      ({ binding, className }) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    `(name = ${quote(manifest.assets.binding)}, service = (name = "assets", entrypoint = "AssetWorker"))`,
    ...(recordings === undefined ? [] : recordingsBindings(recordings)),
    ...Object.entries(texts).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`),
    ...secrets.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  const namespaces = classes.map(
    ({ className }) => `(className = ${quote(className)}, uniqueKey = ${quote(className)}, enableSql = true)`,
  );
  const routing = JSON.stringify({ run_worker_first: manifest.assets.runWorkerFirst });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  logging = (structuredLogging = true),
  services = [
    (name = "worker", worker = .worker),
    (name = "assets", assets = (path = ${quote(assets)}, config = ${quote(routing)}, userWorker = "worker")),
    (name = "objects", disk = (path = ${quote(objects)}, writable = true)),
    (name = "internet", network = (allow = [${reach(texts.WEBHOOK_LOCAL)}], tlsOptions = (trustBrowserCas = true))),
    ${recordings === undefined ? "" : recordingsService(recordings)}
  ],
${cluster === undefined ? "" : `  cluster = ${clusterConfig(cluster)},\n`}  sockets = [
    (name = "${HTTP_SOCKET}", http = (), service = "assets"),
    (name = "${CONTROL_SOCKET}", http = (), service = (name = "worker", entrypoint = "control")),
  ],
);
const worker :Workerd.Worker = (
  modules = [(name = "${MODULE}", esModule = embed "${MODULE}")],
  compatibilityDate = ${quote(compatibilityDate)},
  compatibilityFlags = [${compatibilityFlags.map(quote).join(", ")}],
  bindings = [
    ${bindings.join(",\n    ")},
  ],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "objects"),
);
`;
}
