// A real Worker whose environment counts the billed usage of a room: calls, alarms, rows, the time with a timer,
// messages of queues.
import { fileURLToPath } from "node:url";
import type { Runtime } from "../../cli/runtime.ts";
import type { Environment } from "../../client/environment.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { PING } from "../../protocol/control.ts";
import { bundle } from "./faulty-runtime.ts";
import { startTestRuntime } from "./local-room.ts";

const WORKER = fileURLToPath(new URL("../../worker/index.ts", import.meta.url));

/**
 * Everything is counted where the runtime passes it to the Worker: stubs, storage, timers, queues, the database. There
 * is one room. An object cannot sleep while it has a timer.
 */
const ENTRY = `
import worker, { Room as ARoom } from "${WORKER}";
export { Recorder, Relay, StorageProbe } from "${WORKER}";
const counted = { calls: 0, alarms: 0, rowsWritten: 0, rowsRead: 0, timedMs: 0, queueMessages: 0, indexRowsWritten: 0 };

let since = 0;
const timers = new Set();
const settle = (handle) => {
  if (timers.delete(handle) && timers.size === 0) counted.timedMs += Date.now() - since;
};
const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
globalThis.setTimeout = (run, ms) => {
  const handle = set(() => { settle(handle); run(); }, ms);
  if (timers.size === 0) since = Date.now();
  timers.add(handle);
  return handle;
};
globalThis.clearTimeout = (handle) => { settle(handle); clear(handle); };

const metered = (kv) => ({
  get: (key) => { counted.rowsRead++; return kv.get(key); },
  *list(options) { for (const entry of kv.list(options)) { counted.rowsRead++; yield entry; } },
  put: (key, value) => { counted.rowsWritten++; kv.put(key, value); },
  delete: (key) => { counted.rowsWritten++; return kv.delete(key); },
});
export class Room extends ARoom {
  constructor(ctx, { STORAGE_PROBE, ...env }) {
    const { storage } = ctx;
    const kv = metered(storage.kv);
    const setAlarm = storage.setAlarm.bind(storage);
    Object.defineProperty(storage, "kv", { value: kv });
    Object.defineProperty(storage, "setAlarm", { value: (at) => { counted.rowsWritten++; return setAlarm(at); } });
    super(ctx, env);
  }
  alarm() { counted.alarms++; return super.alarm(); }
}

const stub = (of) => new Proxy(of, { get: (_, name) => (...args) => { counted.calls++; return of[name](...args); } });
const rooms = (of) => ({ getByName: (name) => stub(of.getByName(name)) });
const database = (of) => ({
  prepare: (text) => of.prepare(text),
  async batch(statements) {
    const results = await of.batch(statements);
    for (const { meta } of results) counted.indexRowsWritten += meta.rows_written;
    return results;
  },
});
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/counted") return Response.json(counted);
    return worker.fetch(request, { ...env, ROOM: rooms(env.ROOM) }, context);
  },
  queue(batch, env) {
    if (batch.queue !== "roomcast-events") return worker.queue(batch, env);
    counted.queueMessages += batch.messages.length;
    return worker.queue(batch, { ...env, INDEX: database(env.INDEX) });
  },
};
`;

/** The counts from outside. `calls`: of the room's object, including upgrades. `timedMs`: with a timer set. */
export interface Counted {
  readonly calls: number;
  readonly alarms: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly timedMs: number;
  readonly queueMessages: number;
  readonly indexRowsWritten: number;
}

/** Starts it. The caller closes it. */
export async function startCostRuntime(): Promise<Runtime & { counted(): Promise<Counted> }> {
  const script = await bundle("cost-worker", ENTRY);
  const runtime = await startTestRuntime({ vars: { LIMITS: "off" }, script, events: true });
  return { ...runtime, counted: async () => (await (await fetch(`${runtime.url}/counted`)).json()) as Counted };
}

/** Clients whose messages are counted, except pings: the runtime answers them, and they are not billed. */
export class CountingEnvironment implements Environment {
  messages = 0;
  readonly now = nodeEnvironment.now;
  readonly random = nodeEnvironment.random;
  readonly setTimeout = nodeEnvironment.setTimeout;
  readonly clearTimeout = nodeEnvironment.clearTimeout;

  dial(url: string, protocols: string[]) {
    const socket = nodeEnvironment.dial(url, protocols);
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      if (data !== PING) this.messages++;
      send(data);
    };
    return socket;
  }
}
