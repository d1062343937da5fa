// A real Worker whose objects can be removed from memory one by one: put to sleep, evicted, or aborted.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Runtime } from "../../cli/runtime.ts";
import type { Versions } from "../../protocol/link.ts";
import { startTestRuntime } from "./local-room.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The unchanged Worker, except that its objects can be made to fail, and report since when they are in memory. */
const ENTRY = `
import { Recorder as ARecorder } from "ROOM";
import { Relay as ARelay } from "RELAY";
import { Room as ARoom } from "ROOM";
export { default, StorageProbe } from "ROOM";
const faulty = (Base) => class extends Base {
  #since = Date.now();
  fail() { this.ctx.abort("a test wants it"); }
  awakeSince() { return this.#since; }
};
export const Room = faulty(ARoom);
export const Relay = faulty(ARelay);
let shakyUntil = 0;
let puts = 0;
/** One put in three fails. Half of the failed ones have stored their data nevertheless. */
const shaky = (bucket) => bucket && {
  get: (...args) => bucket.get(...args),
  list: (...args) => bucket.list(...args),
  delete: (...args) => bucket.delete(...args),
  async put(...args) {
    const fails = Date.now() < shakyUntil && puts++ % 3 === 0;
    if (!fails || puts % 2 === 0) await bucket.put(...args);
    if (fails) throw new Error("a test wants it");
  },
};
export class Recorder extends faulty(ARecorder) {
  constructor(ctx, env) { super(ctx, { ...env, RECORDINGS: shaky(env.RECORDINGS) }); }
  shake(ms) { shakyUntil = Date.now() + ms; puts = 0; }
  shaken() { return puts; }
}
`;

const WORKER = join(HERE, "../../worker/index.ts");

/** This text in the code contains the supported versions of the link. */
const SPOKEN = /(?<=LINK_VERSIONS = )\{[^}]*\}/;

/** The additional calls of a faulty object. */
interface Faulty {
  fail(): Promise<void>;
  awakeSince(): Promise<number>;
  /** Of a recorder: its bucket fails for this time, one put in three. */
  shake(ms: number): Promise<void>;
  /** The number of puts since. */
  shaken(): Promise<number>;
}

/** The fault of an object. `sleep`: accepted sockets stay open; with the others, they are closed. */
export type Fault = "sleep" | "evict" | "abort";

/** A runtime, until it is closed. Objects are named by the id of a room, a relay or a recorder. */
export interface FaultyRuntime extends Runtime {
  /** Resolves when the object is out of memory. */
  fault(object: string, fault: Fault): Promise<void>;
  /** The bucket of a recorder fails for this time, one put in three. */
  shake(recorder: string, ms: number): Promise<void>;
  /** The number of requested puts since. */
  shaken(recorder: string): Promise<number>;
  /** Since when the object is in memory, ms since 1970. An object that was not in memory wakes for it, and stays. */
  awakeSince(object: string): Promise<number>;
}

/** The versions of the link that rooms and relays speak, as two releases would during a deploy. */
export interface Releases {
  readonly room: Versions;
  readonly relay: Versions;
}

/** Starts it. The caller closes it. */
export async function startFaultyRuntime(vars: Record<string, string>, releases?: Releases): Promise<FaultyRuntime> {
  const [room, relay] = await Promise.all([release("room", releases?.room), release("relay", releases?.relay)]);
  const script = await bundle("faulty-worker", ENTRY.replaceAll("ROOM", room).replaceAll("RELAY", relay));
  const runtime = await startTestRuntime({ vars, script });
  const { miniflare } = runtime;
  const faulty = async (object: string) => {
    const namespace = await miniflare.getDurableObjectNamespace(bindingOf(object), "roomcast");
    return namespace.get(namespace.idFromName(object)) as unknown as Faulty;
  };
  return {
    ...runtime,
    async fault(object, fault) {
      // An aborted object gives no answer.
      if (fault === "abort") return (await faulty(object)).fail().catch(() => {});
      const webSockets = fault === "sleep" ? "hibernate" : "close";
      const name = { ROOM: "Room", RELAY: "Relay", RECORDER: "Recorder" }[bindingOf(object)];
      await miniflare.unsafeEvictDurableObject("roomcast", name, { name: object, webSockets });
    },
    awakeSince: async (object) => (await faulty(object)).awakeSince(),
    shake: async (recorder, ms) => (await faulty(recorder)).shake(ms),
    shaken: async (recorder) => (await faulty(recorder)).shaken(),
  };
}

function bindingOf(object: string): "ROOM" | "RELAY" | "RECORDER" {
  if (object.includes("!")) return "RECORDER";
  return object.includes("~") ? "RELAY" : "ROOM";
}

/** A build of the Worker that speaks these versions; undefined: the unchanged sources. */
async function release(name: string, versions: Versions | undefined): Promise<string> {
  if (versions === undefined) return WORKER;
  const speaks: Plugin = {
    name: "speaks",
    setup: ({ onLoad }) =>
      onLoad({ filter: /protocol\/link\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        if (!SPOKEN.test(text)) throw new Error(`${path} does not say its versions`);
        return { contents: text.replace(SPOKEN, JSON.stringify(versions)), loader: "ts" };
      }),
  };
  return bundle(`release-of-${name}`, `export * from "${WORKER}"; export { default } from "${WORKER}";`, [speaks]);
}

/** Resolves with the path of the build. */
export async function bundle(name: string, contents: string, plugins: Plugin[] = []): Promise<string> {
  const outfile = join(HERE, `../../dist/test/${name}.js`);
  await build({
    stdin: { contents, resolveDir: HERE, loader: "ts" },
    outfile,
    plugins,
    bundle: true,
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    target: "es2024",
    logLevel: "warning",
  });
  return outfile;
}
