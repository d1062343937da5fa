// The bridge's metrics, for Prometheus. README.md explains each name.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Publisher, PublisherStats } from "../client/index.ts";
import manifest from "../package.json" with { type: "json" };

type Live = Pick<Publisher, "stats">;

/** Counters that survive their publisher. */
const LASTING = {
  reconnects: { name: "reconnects_total", help: "Reconnections to rooms" },
  droppedGroups: { name: "dropped_groups_total", help: "Groups dropped because a buffer was full (drop-group)" },
  droppedFrames: { name: "dropped_frames_total", help: "Frames of the dropped groups" },
  droppedBytes: { name: "dropped_bytes_total", help: "Payload bytes of the dropped groups" },
} as const satisfies Partial<Record<keyof PublisherStats, { name: string; help: string }>>;

/** From a nearby room to one that is far away, or has to wake. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The bridge's metrics. Each bridge has its own object: nothing is global. */
export interface Metrics {
  readonly registry: Registry;
  readonly bytes: Counter;
  readonly frames: Counter;
  readonly refused: Counter<"code">;
  /** Seconds from a producer's valid preamble until the room has accepted it. */
  readonly joins: Histogram;
  /** Seconds from buffering bytes until the room has acknowledged them. */
  readonly acks: Histogram;
  /** Waits for `work`. The time counts as blocked, even while it lasts. */
  whileBlocked(work: Promise<void>): Promise<void>;
  /** From now on, counts the publisher's buffer, reconnects and drops. */
  add(publisher: Live): void;
  /** The publisher has ended; its counts stay. */
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
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({ ...common("build_info", "The running version"), labelNames: ["version", "node"] });
  build.set({ version: manifest.version, node: process.version }, 1);
  const lasting = Object.entries(LASTING).map(([key, { name, help }]) => {
    const read = (stats: PublisherStats) => stats[key as keyof typeof LASTING];
    let past = 0;
    computed(common(name, help), () => past + sum(read));
    return ({ stats }: Live) => {
      past += read(stats);
    };
  });
  const blocked = new Blocked();
  computed(common("blocked_seconds_total", "Total seconds for which producers had to wait"), () => blocked.seconds);
  return {
    registry,
    bytes: new Counter(common("bytes_total", "Bytes read from producers, without preambles")),
    frames: new Counter(common("frames_total", "Frames cut from these bytes")),
    refused: new Counter({ ...common("refused_total", "Producers refused or cut off"), labelNames: ["code"] }),
    joins: new Histogram({
      ...common("join_seconds", "Time from a valid preamble until the room accepts"),
      buckets: SECONDS,
    }),
    acks: new Histogram({
      ...common("ack_seconds", "Time from buffering a frame until the room acknowledges it"),
      buckets: SECONDS,
    }),
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
  gauge("disconnected", "Producers whose room is currently unreachable", () =>
    sum(({ connected }) => Number(!connected)),
  );
  gauge("buffer_bytes", "Memory of unsent or unacknowledged frames: payloads, and 512 bytes a frame", () =>
    sum((stats) => stats.bufferedBytes),
  );
  gauge("unacked_bytes", "Bytes that are sent but not acknowledged", () => sum((stats) => stats.unackedBytes));
  gauge("memory_bytes", "Memory under the limit total-buffer-bytes: buffers and incomplete frames", heldBytes);
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

/** The total time for which several producers have waited. */
class Blocked {
  #past = 0;
  /** The times at which current waiters began, on the monotonic clock. */
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
