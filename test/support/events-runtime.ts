// A real Worker with real queues and a real index. Its consumer is killed at every other batch, and may be a separate
// process.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../cli/free-port.ts";
import type { Runtime } from "../../cli/runtime.ts";
import { bundle } from "./faulty-runtime.ts";
import { startTestRuntime } from "./local-room.ts";

const WORKER = fileURLToPath(new URL("../../worker/index.ts", import.meta.url));

/** The Worker, whose rooms say since when they are in memory, and whose bucket refuses the first puts. */
const ROOMS = `
import worker, { Recorder as ARecorder, Room as ARoom } from "${WORKER}";
export { Relay, StorageProbe } from "${WORKER}";
let refusals = 7;
const refusing = (bucket) => ({
  get: (...args) => bucket.get(...args),
  list: (...args) => bucket.list(...args),
  delete: (...args) => bucket.delete(...args),
  async put(...args) {
    if (refusals-- > 0) throw new Error("a test wants it");
    return bucket.put(...args);
  },
});
export class Recorder extends ARecorder {
  constructor(ctx, env) { super(ctx, { ...env, RECORDINGS: refusing(env.RECORDINGS) }); }
}
export class Room extends ARoom {
  #since = Date.now();
  awakeSince() { return this.#since; }
}
`;

/**
 * It is killed before its work, in the middle of it, or before it could report success. The platform repeats the batch.
 */
const CONSUME = `
const turns = {};
const killed = () => { throw new Error("killed by a test"); };
const unheard = (batch) => ({
  queue: batch.queue,
  messages: batch.messages.map(({ id, timestamp, attempts, body }) => ({ id, timestamp, attempts, body, ack() {}, retry() {} })),
});
const midway = (env, turn) => ({
  ...env,
  WEBHOOKS: { sendBatch: killed, send: killed },
  INDEX: new Proxy(env.INDEX, {
    get: (index, name) => (name === "batch" && turn % 4 === 1 ? killed : index[name].bind(index)),
  }),
});
async function consume(batch, env) {
  const turn = (turns[batch.queue] = (turns[batch.queue] ?? -1) + 1);
  if (turn % 2 === 1) return worker.queue(batch, env);
  const way = (turn / 2) % 3;
  if (way === 0) killed();
  await worker.queue(unheard(batch), way === 1 ? midway(env, turn / 2) : env).catch(() => {});
  killed();
}
`;

const WHOLE = `${ROOMS}${CONSUME}
export default { fetch: worker.fetch, queue: consume };
`;

/** Rooms and queues, without a consumer: batches go to another process, which returns the result of each message. */
const PRODUCER = `${ROOMS}
export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/queues/webhooks") return worker.fetch(request, env, context);
    await env.WEBHOOKS.sendBatch(await request.json());
    return new Response(null, { status: 204 });
  },
  async queue({ queue, messages }, env) {
    const told = messages.map(({ id, timestamp, attempts, body }) => ({ id, timestamp, attempts, body }));
    const body = JSON.stringify({ queue, messages: told });
    // The platform would start another one, and wait for it.
    const answer = await fetch(env.CONSUMER, { method: "POST", body }).catch(() => undefined);
    if (answer?.ok === false) throw new Error("the consumer answered " + answer.status);
    const verdicts = await answer?.json().catch(() => undefined);
    for (const message of messages) {
      const verdict = verdicts === undefined ? { delaySeconds: 1 } : verdicts[message.id];
      if (verdict === "ack") message.ack();
      else message.retry(verdict);
    }
  },
};
`;

/**
 * The consumer and the index, without rooms. Its messages for the queue of webhooks go to the process with that queue.
 */
const CONSUMER = `${ROOMS}${CONSUME}
const at = (env) => {
  const sendBatch = async (messages) => {
    const answer = await fetch(env.PRODUCER + "/queues/webhooks", { method: "POST", body: JSON.stringify([...messages]) });
    if (!answer.ok) throw new Error("the queue answered " + answer.status);
  };
  return { ...env, EVENTS: undefined, WEBHOOKS: { sendBatch, send: (body) => sendBatch([{ body }]) } };
};
export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/consume") return worker.fetch(request, at(env), context);
    const { queue, messages } = await request.json();
    const verdicts = {};
    const own = messages.map((message) => ({
      ...message,
      ack: () => (verdicts[message.id] = "ack"),
      retry: (options = {}) => (verdicts[message.id] = options),
    }));
    await consume({ queue, messages: own }, at(env));
    return Response.json(verdicts);
  },
};
`;

export interface EventsRuntime {
  /** The base URL of the rooms. */
  readonly url: string;
  /** The base URL of the operators' API. */
  readonly api: string;
  /** Since when the room's object is in memory, ms since 1970. An object that was not in memory wakes for it. */
  awakeSince(room: string): Promise<number>;
  /** An answer of the operators' API, as text. Throws for a refusal. */
  read(path: string): Promise<string>;
  /** The same as JSON. */
  ask<T>(path: string): Promise<T>;
  close(): Promise<void>;
}

/** The consumer is in the process of the rooms. The caller closes it. */
export async function startEventsRuntime(operatorKey: string, vars: Record<string, string>): Promise<EventsRuntime> {
  const script = await bundle("events-worker", WHOLE);
  const runtime = await startTestRuntime({ vars: { LIMITS: "off", ...vars }, script, events: true });
  return viewOf(runtime, runtime.url, operatorKey, () => runtime.close());
}

export interface SplitRuntime extends EventsRuntime {
  /** Kills the process of the consumer at any moment, and starts another one over the same index. */
  restartConsumer(): Promise<void>;
}

/** The consumer is a separate process. The queues, which the platform keeps apart from both, are with the rooms. */
export async function startSplitRuntime(operatorKey: string, vars: Record<string, string>): Promise<SplitRuntime> {
  const [producer, consumer] = await Promise.all([bundle("producer", PRODUCER), bundle("consumer", CONSUMER)]);
  const state = await mkdtemp(join(tmpdir(), "roomcast-index-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const all = { LIMITS: "off", ...vars };
  const rooms = await startTestRuntime({
    vars: { ...all, CONSUMER: `${url}/consume` },
    script: producer,
    events: true,
  });
  const start = () =>
    startTestRuntime({ vars: { ...all, PRODUCER: rooms.url }, script: consumer, events: true, port, state });
  let running = await start();
  const close = async () => {
    await Promise.all([rooms.close(), running.close()]);
    await rm(state, { recursive: true, force: true });
  };
  return {
    ...viewOf(rooms, url, operatorKey, close),
    async restartConsumer() {
      // Miniflare ends workerd with SIGKILL.
      await running.close();
      running = await start();
    },
  };
}

function viewOf(rooms: Runtime, api: string, operatorKey: string, close: () => Promise<void>): EventsRuntime {
  const read = async (path: string): Promise<string> => {
    const response = await fetch(api + path, { headers: { authorization: `Bearer ${operatorKey}` } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return text;
  };
  return {
    url: rooms.url,
    api,
    read,
    ask: async (path) => JSON.parse(await read(path)),
    close,
    async awakeSince(room) {
      const namespace = await rooms.miniflare.getDurableObjectNamespace("ROOM", "roomcast");
      const stub = namespace.get(namespace.idFromName(room)) as unknown as { awakeSince(): Promise<number> };
      return stub.awakeSince();
    },
  };
}
