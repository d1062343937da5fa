// What the bridge counts, for Prometheus.
import { Counter, Gauge, Registry } from "prom-client";
import type { Publisher } from "../client/index.ts";

type Live = Pick<Publisher, "stats">;

/** The bridge's numbers. One object for each bridge: nothing is global. */
export interface Metrics {
  readonly registry: Registry;
  readonly bytes: Counter;
  readonly frames: Counter;
  readonly refused: Counter<"code">;
  readonly blockedSeconds: Counter;
  /** From here on the publisher's buffer and reconnects count. */
  add(publisher: Live): void;
  /** The publisher is over; its reconnects stay counted. */
  remove(publisher: Live): void;
}

/** Creates the metrics in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const live = new Set<Live>();
  let pastReconnects = 0;
  const common = (name: string, help: string) => ({ name: `roomcast_bridge_${name}`, help, registers: [registry] });
  const sum = (read: (stats: Live["stats"]) => number) =>
    [...live].reduce((total, { stats }) => total + read(stats), 0);
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...common(name, help),
      collect() {
        this.set(read());
      },
    });

  gauge("producers", "Producers that a room has accepted", () => live.size);
  gauge("buffer_bytes", "Bytes that are unsent or unacknowledged", () => sum((stats) => stats.bufferedBytes));
  gauge("unacked_bytes", "Bytes that are sent and unacknowledged", () => sum((stats) => stats.unackedBytes));
  new Counter({
    ...common("reconnects_total", "Connections to rooms that were made again"),
    collect() {
      this.reset();
      this.inc(pastReconnects + sum((stats) => stats.reconnects));
    },
  });
  return {
    registry,
    bytes: new Counter(common("bytes_total", "Bytes read from producers, preambles apart")),
    frames: new Counter(common("frames_total", "Frames cut from them")),
    refused: new Counter({ ...common("refused_total", "Producers refused or cut off"), labelNames: ["code"] }),
    blockedSeconds: new Counter(common("blocked_seconds_total", "Seconds that producers had to wait for their rooms")),
    add: (publisher) => live.add(publisher),
    remove: (publisher) => {
      if (live.delete(publisher)) pastReconnects += publisher.stats.reconnects;
    },
  };
}
