// What the bridge counts, for Prometheus. README.md explains each name.
import { Counter, Gauge, Registry } from "prom-client";
import type { Publisher, PublisherStats } from "../client/index.ts";

type Live = Pick<Publisher, "stats">;

/** What stays counted when a publisher is over. */
const LASTING = {
  reconnects: { name: "reconnects_total", help: "Connections to rooms that were made again" },
  droppedGroups: { name: "dropped_groups_total", help: "Groups dropped because a buffer was full (drop-group)" },
  droppedFrames: { name: "dropped_frames_total", help: "Frames of these groups" },
  droppedBytes: { name: "dropped_bytes_total", help: "Payload bytes of these groups" },
} as const satisfies Partial<Record<keyof PublisherStats, { name: string; help: string }>>;

/** The bridge's numbers. One object for each bridge: nothing is global. */
export interface Metrics {
  readonly registry: Registry;
  readonly bytes: Counter;
  readonly frames: Counter;
  readonly refused: Counter<"code">;
  /** Waits for `work`; the time counts as blocked, also while it lasts. */
  whileBlocked(work: Promise<void>): Promise<void>;
  /** From here on the publisher's buffer, reconnects and drops count. */
  add(publisher: Live): void;
  /** The publisher is over; what it did stays counted. */
  remove(publisher: Live): void;
}

/** Creates the metrics in a registry of their own. `heldBytes`: the memory of all producers together. */
export function createMetrics(heldBytes: () => number): Metrics {
  const registry = new Registry();
  const live = new Set<Live>();
  const common = (name: string, help: string) => ({ name: `roomcast_bridge_${name}`, help, registers: [registry] });
  const sum = (read: (stats: PublisherStats) => number) =>
    [...live].reduce((total, { stats }) => total + read(stats), 0);
  addGauges(common, live, sum, heldBytes);
  const lasting = Object.entries(LASTING).map(([key, { name, help }]) => {
    const read = (stats: PublisherStats) => stats[key as keyof typeof LASTING];
    let past = 0;
    computed(common(name, help), () => past + sum(read));
    return ({ stats }: Live) => {
      past += read(stats);
    };
  });
  const blocked = new Blocked();
  computed(common("blocked_seconds_total", "Seconds that producers had to wait, their sum"), () => blocked.seconds);
  return {
    registry,
    bytes: new Counter(common("bytes_total", "Bytes read from producers, preambles apart")),
    frames: new Counter(common("frames_total", "Frames cut from them")),
    refused: new Counter({ ...common("refused_total", "Producers refused or cut off"), labelNames: ["code"] }),
    whileBlocked: (work) => blocked.during(work),
    add: (publisher) => live.add(publisher),
    remove: (publisher) => {
      if (live.delete(publisher)) for (const keep of lasting) keep(publisher);
    },
  };
}

type Common = (name: string, help: string) => { name: string; help: string; registers: Registry[] };
type Sum = (read: (stats: PublisherStats) => number) => number;

function addGauges(common: Common, live: ReadonlySet<Live>, sum: Sum, heldBytes: () => number): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...common(name, help),
      collect() {
        this.set(read());
      },
    });
  gauge("producers", "Producers that a room has accepted", () => live.size);
  gauge("disconnected", "Producers whose room cannot be reached now", () => sum(({ connected }) => Number(!connected)));
  gauge("buffer_bytes", "Memory of what is unsent or unacknowledged: payloads, and 512 bytes a frame", () =>
    sum((stats) => stats.bufferedBytes),
  );
  gauge("unacked_bytes", "Bytes that are sent and unacknowledged", () => sum((stats) => stats.unackedBytes));
  gauge("memory_bytes", "What counts against total-buffer-bytes: buffers and incomplete frames", heldBytes);
}

function computed(options: ReturnType<Common>, read: () => number): void {
  new Counter({
    ...options,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

/** The sum of the time for which several have been waiting. */
class Blocked {
  #past = 0;
  /** When those who wait began to, on the monotonic clock. */
  readonly #since = new Set<{ readonly at: number }>();

  get seconds(): number {
    const now = performance.now();
    let ms = this.#past;
    for (const { at } of this.#since) ms += now - at;
    return ms / 1000;
  }

  async during(work: Promise<void>): Promise<void> {
    const since = { at: performance.now() };
    this.#since.add(since);
    try {
      await work;
    } finally {
      this.#since.delete(since);
      this.#past += performance.now() - since.at;
    }
  }
}
