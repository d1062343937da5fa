// Three servers that share a bucket, at the real pace: killed servers, stopped servers, a missing bucket, and the cost
// of idle rooms.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RecordStream, TestCluster } from "../support/cluster.ts";
import type { TestRoom } from "../support/local-room.ts";
import { descendantsOf } from "../support/processes.ts";
import type { Recorder } from "../support/recorder.ts";
import { waitFor } from "../support/wait.ts";

const SERVERS = 3;
const TROUBLE_MS = 30_000;
const SLOW_MS = 200;
const NO_BUCKET_SECONDS = [8, 30];
const ROOMS = 50;
const IDLE_MS = 150_000;
const BACK_MS = 90_000;

type Tell = (found: object) => void;

/** Prints its findings. Throws if a frame is lost or reported wrongly. */
export async function soakCluster(tell: Tell): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-cluster-"));
  try {
    await using cluster = await TestCluster.start(folder, SERVERS);
    await idle(cluster, tell);
    await slowBucket(cluster, tell);
    for (const seconds of NO_BUCKET_SECONDS) await noBucket(cluster, seconds, tell);
    await killed(cluster, tell);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An empty room is reached through a peer, and returns its id. Measures the requests. */
async function idle(cluster: TestCluster, tell: Tell): Promise<void> {
  const { requests } = cluster.bucket;
  const counted = () => Object.fromEntries(requests);
  requests.clear();
  await sleep(TROUBLE_MS);
  tell({ what: "idle", servers: SERVERS, seconds: TROUBLE_MS / 1000, requests: counted() });
  requests.clear();
  const begin = performance.now();
  for (let index = 0; index < ROOMS; index++) await cluster.createRoom();
  const seconds = Math.round((performance.now() - begin) / 1000);
  tell({ what: "rooms created", rooms: ROOMS, seconds, requests: counted() });
  const room = await cluster.createRoom();
  const stream = new RecordStream(cluster.server(1), room);
  const recorder = await cluster.join(room, 2);
  await recorder.subscriber.until("some of it", () => recorder.bytes.length > 50_000);
  requests.clear();
  await sleep(TROUBLE_MS);
  tell({ what: "one room that streams", seconds: TROUBLE_MS / 1000, requests: counted() });
  await stream.end();
  await recorder[Symbol.asyncDispose]();
  requests.clear();
  await sleep(IDLE_MS);
  tell({ what: "one room that nobody is in", seconds: IDLE_MS / 1000, requests: counted() });
  const told = await idOf(cluster, room, 1);
  tell({ what: "id through a peer after idling", right: told === room.room });
  if (told !== room.room) throw new Error(`the room calls itself ${told}`);
}

async function idOf(cluster: TestCluster, { room, tokens }: TestRoom, index: number): Promise<unknown> {
  const headers = { authorization: `Bearer ${tokens.admin}` };
  const response = await fetch(`${cluster.server(index).url}/api/rooms/${room}`, { headers });
  return ((await response.json()) as { room: unknown }).room;
}

async function slowBucket(cluster: TestCluster, tell: Tell): Promise<void> {
  cluster.bucket.delayMs = SLOW_MS;
  await duringStream(cluster, `bucket answers after ${SLOW_MS} ms`, tell, () => sleep(TROUBLE_MS));
  cluster.bucket.delayMs = 0;
}

/**
 * If the bucket is missing for less than the lease, frames continue. If it is missing for longer, the servers leave the
 * cluster, and return after the bucket.
 */
async function noBucket(cluster: TestCluster, seconds: number, tell: Tell): Promise<void> {
  await duringStream(cluster, `no bucket for ${seconds} s`, tell, async () => {
    cluster.bucket.isGone = true;
    const begin = performance.now();
    const refused = cluster.createRoom().then(
      () => "created",
      (error: Error) => String(error.cause ?? error.message).slice(0, 200),
    );
    const answered = refused.then((answer) => ({ answer, afterMs: Math.round(performance.now() - begin) }));
    await sleep(seconds * 1000);
    cluster.bucket.isGone = false;
    tell({ what: "a new room without the bucket", ...(await answered) });
  });
}

/** The room's server dies, with all of its processes. Then another one is stopped. */
async function killed(cluster: TestCluster, tell: Tell): Promise<void> {
  await duringStream(cluster, "kill -9 of the room's server", tell, async () => {
    const { pid } = cluster.server(0).process;
    for (const one of [...descendantsOf(pid), pid]) process.kill(one, "SIGKILL");
    await cluster.server(0).process.exit;
    cluster.servers.shift();
  });
  await duringStream(cluster, "SIGTERM of the room's server", tell, async () => {
    tell({ what: "SIGTERM", ...(await cluster.server(0).stop()) });
    cluster.servers.shift();
  });
}

/**
 * Streams through the last server into a room of the first one, for viewers at all remaining servers, while `trouble`
 * happens.
 */
async function duringStream(
  cluster: TestCluster,
  what: string,
  tell: Tell,
  trouble: () => Promise<void>,
): Promise<void> {
  const room = await cluster.createRoom();
  const last = cluster.server(cluster.servers.length - 1);
  const stream = new RecordStream(last, room);
  const places = cluster.servers.map((_, index) => index).filter((index) => index > 0 || !/server$/.test(what));
  const recorders = await Promise.all(places.map((index) => cluster.join(room, index)));
  await Promise.all(
    recorders.map((one) => one.subscriber.until("some of it", () => one.bytes.length > 50_000, BACK_MS)),
  );
  const pauses = recorders.map((one) => new Pause(one));
  await trouble();
  const reached = recorders.map(({ bytes }) => bytes.length);
  await Promise.all(
    recorders.map((one, index) =>
      one.subscriber.until("more", () => one.bytes.length > (reached[index] ?? 0) + 50_000, BACK_MS),
    ),
  );
  const longestPauseMs = pauses.map((pause) => pause.end());
  await stream.end();
  const { sent } = stream;
  await waitFor("the end", () => recorders.every((one) => one.endsWith(sent.subarray(-100))), BACK_MS);
  const missingBytes = recorders.map((one) => one.missingFrom(sent));
  const closes = recorders.map(({ subscriber }) => subscriber.connects - 1);
  const workerRestarts = await Promise.all(cluster.servers.map(async (one) => (await one.health()).worker.restarts));
  tell({
    what,
    bytes: sent.length,
    longestPauseMs,
    missingAndToldBytes: missingBytes,
    reconnects: closes,
    workerRestarts,
  });
  for (const one of recorders) await one[Symbol.asyncDispose]();
}

/** The longest time without data. */
class Pause {
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #at = performance.now();
  #longest = 0;

  constructor(recorder: Recorder) {
    const look = () => {
      const bytes = recorder.subscriber.bytes;
      const now = performance.now();
      this.#longest = Math.max(this.#longest, now - this.#at);
      if (bytes !== this.#bytes) this.#at = now;
      this.#bytes = bytes;
    };
    this.#timer = setInterval(look, 20);
  }

  /** ms */
  end(): number {
    clearInterval(this.#timer);
    return Math.round(this.#longest);
  }
}
