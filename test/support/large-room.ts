// Thousands of real subscribers in one room, placed only by growth, with a look at every object's load.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuSeconds, residentBytes } from "../../bench/targets/process.ts";
import { type RoomcastTarget, startRoomcast } from "../../bench/targets/roomcast.ts";
import { type LoadResult, runLoad } from "../../load/index.ts";
import { DEFAULT_TUNING } from "../../worker/core/tuning.ts";

const ROOMCAST = fileURLToPath(new URL("../../cli/roomcast.ts", import.meta.url));
const LOOK_MS = 1000;
/** Two processes of subscribers, because one process of ten thousand would measure itself. */
const PROCESSES = 2;
/**
 * The capacity of two cores: together with the occupancy, which is sent every second while subscribers join, this makes
 * 20,000 sends a second.
 */
const FRAMES_PER_SECOND = 1;
const FRAME_BYTES = 256;
/** A busy machine needs more time. */
const JOINS_PER_SECOND = Number(process.env.ROOMCAST_JOINS_PER_SECOND ?? 50);
/** An object that is over its budget has to be below it again within this time. */
export const MAX_OVER_SECONDS = 10;

/** The size of the room, and the target of an object. */
export interface LargeRoom {
  readonly subscribers: number;
  readonly maxObjectSubscribers: number;
  readonly seconds: number;
}

/** One object as the room describes it, and its maxima. */
export interface ObjectReport {
  readonly id: string;
  readonly parent: string | null;
  readonly subscribers: number;
  readonly sendsPerSecond: number;
  readonly queuedBytes: number;
  readonly most: { readonly subscribers: number; readonly sendsPerSecond: number; readonly queuedBytes: number };
  /** The longest uninterrupted time above the object's budget of sends or of queued bytes. */
  readonly overSeconds: number;
}

export interface LargeRoomReport {
  readonly load: LoadResult;
  /** The state at the end of the stream. */
  readonly objects: readonly ObjectReport[];
  readonly residentMiB: number;
  /**
   * Of the room's process. If its share of a core is near the machine's spare capacity, the result shows the machine.
   */
  readonly cpuSeconds: number;
  /** Unanswered requests for the tree. */
  readonly failedLooks: number;
  readonly tookSeconds: number;
}

type Load = Pick<ObjectReport, "subscribers" | "sendsPerSecond" | "queuedBytes">;

interface RoomAnswer {
  readonly origin: Load;
  readonly relays: readonly (Load & { readonly id: string; readonly parent: string })[];
}

/** Runs it. Calls `progress` a few times a second. */
export async function largeRoom(one: LargeRoom, progress: (text: string) => void = () => {}): Promise<LargeRoomReport> {
  const startedAt = performance.now();
  const vars = { MAX_OBJECT_SUBSCRIBERS: String(one.maxObjectSubscribers), MAX_RELAYS: "" };
  await using target = await startRoomcast("framed", undefined, {}, vars);
  const watch = new Watch(target);
  const never = new AbortController().signal;
  const { url, room, subscribeToken: token } = target;
  const load = await runLoad(
    {
      ...{ url, room, token, mode: "framed", subscribers: one.subscribers, processes: PROCESSES },
      ...{ rampSeconds: one.subscribers / JOINS_PER_SECOND, seconds: one.seconds },
      publish: { token: target.publishToken, framesPerSecond: FRAMES_PER_SECOND, frameBytes: FRAME_BYTES },
    },
    {
      fork: [ROOMCAST, "load-share"],
      progress: (phase, { connected, frames }) => {
        if (phase === "draining") watch.stop();
        progress(`${phase}: ${connected} connected, ${frames} frames`);
      },
      stop: never,
      abandon: never,
    },
  ).finally(() => watch.stop());
  await watch.over;
  const tookSeconds = Math.round((performance.now() - startedAt) / 1000);
  const { objects, residentMiB, failedLooks } = watch;
  return { load, objects, residentMiB, cpuSeconds: cpuSeconds(target.pid), failedLooks, tookSeconds };
}

/** Looks at the whole tree once a second. */
class Watch {
  readonly over: Promise<void>;
  residentMiB = 0;
  failedLooks = 0;
  #objects = new Map<string, ObjectReport>();
  readonly #overSince = new Map<string, number>();
  #isOver = false;

  constructor(target: RoomcastTarget) {
    this.over = this.#run(target);
  }

  get objects(): ObjectReport[] {
    return [...this.#objects.values()];
  }

  stop(): void {
    this.#isOver = true;
  }

  async #run({ url, room, adminToken, pid }: RoomcastTarget): Promise<void> {
    const headers = { authorization: `Bearer ${adminToken}` };
    while (!this.#isOver) {
      // A kept-alive connection may end when it is reused. The next look follows in a second.
      const answer = await fetch(`${url}/api/rooms/${room}`, { headers })
        .then((response) => response.json() as Promise<RoomAnswer>)
        .catch(() => undefined);
      if (answer === undefined) this.failedLooks++;
      else this.#look(answer, room);
      this.residentMiB = Math.max(this.residentMiB, Math.round(residentBytes(pid) / 1024 ** 2));
      await sleep(LOOK_MS);
    }
  }

  #look({ origin, relays }: RoomAnswer, room: string): void {
    const now = performance.now();
    for (const { id, parent, ...load } of [{ id: room, parent: null, ...origin }, ...relays]) {
      const { subscribers, sendsPerSecond, queuedBytes } = load;
      const known = this.#objects.get(id);
      const most = {
        subscribers: Math.max(subscribers, known?.most.subscribers ?? 0),
        sendsPerSecond: Math.max(sendsPerSecond, known?.most.sendsPerSecond ?? 0),
        queuedBytes: Math.max(queuedBytes, known?.most.queuedBytes ?? 0),
      };
      const overSeconds = Math.max(known?.overSeconds ?? 0, this.#overFor(id, load, now));
      this.#objects.set(id, { id, parent, subscribers, sendsPerSecond, queuedBytes, most, overSeconds });
    }
  }

  #overFor(id: string, { sendsPerSecond, queuedBytes }: Load, now: number): number {
    const { sendBudget, roomQueueBytes } = DEFAULT_TUNING;
    if (sendsPerSecond <= sendBudget && queuedBytes <= roomQueueBytes) this.#overSince.delete(id);
    else if (!this.#overSince.has(id)) this.#overSince.set(id, now);
    return Math.round((now - (this.#overSince.get(id) ?? now)) / 100) / 10;
  }
}
