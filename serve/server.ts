// The server as a whole: rooms and bridge as separate processes, health, and an orderly end.
import { mkdirSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, type Logger } from "../ingest-bridge/index.ts";
import { spawnBridge } from "./bridge.ts";
import { CLUSTER_STOP_MS, type Cluster, clusterOf, HANDED_OVER_MS, isClusterReady } from "./cluster.ts";
import { Control } from "./control.ts";
import { listenHealth } from "./health.ts";
import { type HostPort, reachable, splitHostPort, withBrackets } from "./host-port.ts";
import { Part } from "./part.ts";
import { ProcessesFile } from "./processes-file.ts";
import { BUCKET_SECRETS, type RecordingsPlace, recordingsOf } from "./recordings.ts";
import { loadSecrets, SECRETS } from "./secrets.ts";
import type { ServeConfig } from "./settings.ts";
import type { WorkerManifest } from "./worker-manifest.ts";
import { spawnWorkerd, workerdProgram, writeWorkerdFiles } from "./workerd.ts";
import { workerdConfig } from "./workerd-config.ts";

/** From SIGTERM to the end: the bridge delivers, clients are told to reconnect, and remaining processes are killed. */
const STOP_MS = 5000;
const BRIDGE_DRAIN_SECONDS = 2;
const BRIDGE_STOP_MS = 2500;
const RECALL_MS = 1000;
const LOOK_MS = 50;
/**
 * Time for requests in progress. workerd keeps the TCP connection of a WebSocket that it has closed, and waits for its
 * end.
 */
const LAST_MS = 500;
const CHECK_MS = 10_000;

/** The server's dependencies in addition to its settings. Paths are absolute. */
export interface Surroundings {
  readonly manifest: WorkerManifest;
  /** The built files of the package. */
  readonly dist: string;
  /** The file of the `roomcast` command. */
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** One server. */
export class Server {
  readonly #config: ServeConfig;
  readonly #given: Surroundings;
  readonly #cluster: Cluster | undefined;
  readonly #control = new Control();
  readonly #processes: ProcessesFile;
  readonly #worker: Part;
  readonly #bridge: Part;
  #listen: HostPort;
  #ingest: readonly string[];
  #bridgeStatus: number | undefined;
  #health: HttpServer | undefined;
  #isStopping = false;

  private constructor(config: ServeConfig, given: Surroundings, processes: ProcessesFile, secrets: Secrets) {
    const { cluster, values } = secrets;
    const bucket = BUCKET_SECRETS.map((name) => [name, given.env[name]]);
    const env = { ...values, ...(config.recordings !== "" && Object.fromEntries(bucket)), ...cluster?.env };
    this.#config = config;
    this.#cluster = cluster;
    this.#given = given;
    this.#processes = processes;
    this.#listen = config.listen;
    this.#ingest = config.ingest;
    this.#worker = this.#part("worker", (ready, log) => this.#spawnWorker(ready, log, env));
    this.#bridge = this.#part("bridge", (ready, log) => this.#spawnBridge(ready, log));
  }

  /** Takes the state folder and writes the files. Throws `ConfigError`. */
  static prepare(config: ServeConfig, given: Surroundings): Server {
    const state = resolve(config.state);
    // Rooms from before the cluster are not imported, and workerd refuses a folder that contains some.
    const objects = config.cluster === "" ? "objects" : "cluster-objects";
    const folders = { run: join(state, "run"), objects: join(state, objects), recordings: join(state, "recordings") };
    for (const folder of [state, ...Object.values(folders)]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const processes = new ProcessesFile(join(folders.run, "processes.json"));
    const other = processes.take();
    if (other !== undefined) throw new ConfigError([`--state ${config.state} is in use by process ${other}`]);
    const { manifest, dist } = given;
    const secrets = prepareSecrets(join(state, "secrets.env"), config, given, folders.recordings);
    const { recordings } = secrets;
    given.log.info({ off: offOf(config, manifest, recordings) }, "not available here: off");
    const vars = { INGEST_URL: ingestUrl(config.ingest), ...config.vars };
    const { trustProxy } = config;
    const options = {
      manifest,
      vars,
      secrets: SECRETS,
      assets: join(dist, "web"),
      objects: folders.objects,
      recordings,
      trustProxy,
      events: config.events === "on",
      cluster: secrets.cluster,
    };
    writeWorkerdFiles(folders.run, workerdConfig(options), join(dist, "worker/self-hosted.js"));
    return new Server(config, given, processes, secrets);
  }

  /** Resolves when everything works. Rejects with `ConfigError` if another attempt could not help. */
  async start(): Promise<void> {
    await this.#worker.start();
    const { status, body } = await this.#control.ask("/status", CHECK_MS);
    if (status !== 200) throw new ConfigError([String(body.detail)]);
    await this.#bridge.start();
    const { host, port } = splitHostPort(this.#config.status);
    this.#health = await listenHealth(host, port, {
      worker: this.#worker,
      bridge: this.#bridge,
      control: this.#control,
      bridgeStatus: () => (this.#bridge.isUp ? this.#bridgeStatus : undefined),
      isStopping: () => this.#isStopping,
      isInCluster: this.#cluster && (() => isClusterReady(this.#cluster as Cluster)),
    });
  }

  /** The addresses to connect to. */
  get addresses(): { readonly url: string; readonly ingest: readonly string[]; readonly status: string } {
    const { address, port } = (this.#health?.address() ?? { address: "", port: 0 }) as AddressInfo;
    return {
      url: `http://${reachable(this.#listen)}`,
      ingest: this.#ingest,
      status: `http://${withBrackets(address)}:${port}`,
    };
  }

  /** Reloads certificates. */
  reload(): void {
    this.#bridge.signal("SIGHUP");
  }

  /** Ends everything at once: for the last moment of the process, for any reason. */
  kill(): void {
    for (const part of [this.#bridge, this.#worker]) part.signal("SIGKILL");
  }

  /**
   * At any time, also during the start: delivers the producers' data, tells all clients to reconnect, and ends
   * everything within `STOP_MS`.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const end = performance.now() + STOP_MS;
    await this.#bridge.stop(BRIDGE_STOP_MS);
    const isClustered = this.#cluster !== undefined;
    if (this.#worker.isUp) await this.#recall(isClustered ? 0 : end - LAST_MS);
    await this.#worker.stop(isClustered ? CLUSTER_STOP_MS + LAST_MS : Math.min(LAST_MS, end - performance.now()));
    this.#health?.close();
    this.#health?.closeAllConnections();
    this.#control[Symbol.dispose]();
  }

  /** Tells all clients to reconnect, and waits until all have answered, at most until `end`. */
  async #recall(end: number): Promise<void> {
    const after = this.#cluster === undefined ? 0 : HANDED_OVER_MS;
    const told = await this.#control.ask(`/recall?after=${after}`, RECALL_MS).catch(() => undefined);
    let left: unknown;
    do {
      await sleep(LOOK_MS);
      left = (await this.#control.ask("/status", RECALL_MS).catch(() => undefined))?.body.connections;
    } while (left !== 0 && performance.now() < end);
    this.#given.log.info({ ...told?.body, unanswered: left }, "told to reconnect");
  }

  #part(name: string, spawn: (ready: () => void, log: Logger) => ReturnType<typeof spawnWorkerd>): Part {
    const log = this.#given.log.child({ part: name });
    const onSpawn = (pid: number | undefined) => this.#processes.note(name, pid);
    // The bucket may become available after an instance.
    const isPatient = this.#cluster !== undefined;
    return new Part({ name, log: this.#given.log, isPatient, onSpawn, spawn: (ready) => spawn(ready, log) });
  }

  #spawnWorker(ready: () => void, log: Logger, env: NodeJS.ProcessEnv) {
    this.#control.clear();
    return spawnWorkerd({
      program: workerdProgram(),
      folder: join(resolve(this.#config.state), "run"),
      listen: this.#listen,
      controlPath: this.#control.path,
      env,
      log,
      onListen: (port) => {
        this.#listen = `${splitHostPort(this.#listen).name}:${port}`;
        ready();
      },
    });
  }

  #spawnBridge(ready: () => void, log: Logger) {
    return spawnBridge({
      command: this.#given.command,
      listen: this.#ingest,
      logLevel: this.#config.logLevel,
      worker: `http://${reachable(this.#listen)}`,
      drainSeconds: BRIDGE_DRAIN_SECONDS,
      env: this.#given.env,
      log,
      onListen: (listen, statusPort) => {
        this.#ingest = listen;
        this.#bridgeStatus = statusPort;
        ready();
      },
    });
  }
}

/** The values that nobody else may know. */
interface Secrets {
  readonly values: NodeJS.ProcessEnv;
  readonly cluster: Cluster | undefined;
  readonly recordings: RecordingsPlace | undefined;
}

/** The bindings that are off: Cloudflare has them, this server does not. */
function offOf(
  { events }: ServeConfig,
  { missing }: WorkerManifest,
  recordings: RecordingsPlace | undefined,
): string[] {
  const ofEvents = events === "on" ? [] : ["EVENTS", "INDEX", "WEBHOOKS"];
  return [...new Set(["ANALYTICS", ...ofEvents, ...(recordings === undefined ? ["RECORDINGS"] : []), ...missing])];
}

/** Reports the place of new secrets. `folder`: for recordings. */
function prepareSecrets(file: string, config: ServeConfig, { env, log }: Surroundings, folder: string): Secrets {
  const problems: string[] = [];
  const recordings = recordingsOf(config, folder, env, problems);
  const hasWebhooks = (config.vars.WEBHOOK_URL ?? "") !== "";
  const cluster = clusterOf(config, env, problems);
  const { values, made } = loadSecrets({ env, file, mayMake: cluster === undefined, hasWebhooks }, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  if (made.length > 0)
    log.warn({ file, made }, "created secrets: keep the file; to create rooms, use its OPERATOR_KEY");
  return { values, cluster, recordings };
}

/** The address for producers if INGEST_URL is not set. */
function ingestUrl([first = ""]: readonly string[]): string {
  const url = new URL(first);
  if (["0.0.0.0", "[::]"].includes(url.hostname)) url.hostname = hostname();
  return `${url.protocol}//${url.host}`;
}
