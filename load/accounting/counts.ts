// The sums of what a load's subscribers received. Processes exchange them as JSON.
import { Histogram, type HistogramData } from "./histogram.ts";
import type { Ledger } from "./ledger.ts";

/** Counts by name: names of closes, codes of refusals. */
export type ByName = Record<string, number>;

/**
 * The number of subscribers at each position of a run: those without a report of missing frames behind it, and those
 * with one.
 */
export type Standings = Record<number, readonly [untold: number, told: number]>;

/** All sums; times are milliseconds since 1970. */
export interface Counts {
  /** Attempts to join that have begun, and those that have succeeded at least once. */
  started: number;
  joined: number;
  /** The current number. */
  connected: number;
  /** Subscribers that will not reconnect. */
  refused: number;
  reconnects: number;
  /** Of binary messages. */
  bytes: number;
  frames: number;
  duplicates: number;
  told: number;
  /** Holes before frames that arrived. */
  missing: number;
  marks: number;
  /** Gap messages. */
  gaps: number;
  /** By run, which is one track in one epoch. */
  standings: Record<string, Standings>;
  /**
   * Connected subscribers without any frame: the number of frames that the own publisher had published when they
   * joined, and the number of such subscribers.
   */
  silent: (readonly [published: number, subscribers: number])[];
  closes: ByName;
  refusals: ByName;
  failures: ByName;
  latency: HistogramData;
  firstFrame: HistogramData;
  firstStartAt: number;
  lastJoinAt: number;
  /** Processor seconds and memory of the process. */
  cpuSeconds: number;
  residentBytes: number;
}

/** Empty counts. */
export function noCounts(): Counts {
  const none: HistogramData = { ranges: [], max: 0 };
  return {
    ...{ started: 0, joined: 0, connected: 0, refused: 0, reconnects: 0 },
    ...{ bytes: 0, frames: 0, duplicates: 0, told: 0, missing: 0, marks: 0, gaps: 0 },
    ...{ standings: {}, silent: [], closes: {}, refusals: {}, failures: {}, latency: none, firstFrame: none },
    ...{ firstStartAt: Number.POSITIVE_INFINITY, lastJoinAt: 0, cpuSeconds: 0, residentBytes: 0 },
  };
}

/** The name of a run. */
export function runName(track: string, epoch: string): string {
  return `${track} ${epoch}`;
}

/** Adds one subscriber's ledger of one run. `isTold`: the rest of the run was reported missing. */
export function addLedger(counts: Counts, run: string, ledger: Ledger, isTold: boolean): void {
  counts.frames += ledger.frames;
  counts.duplicates += ledger.duplicates;
  counts.told += ledger.told;
  counts.missing += ledger.lost(ledger.position);
  counts.marks += ledger.marks;
  addStanding(counts, run, ledger.position, isTold ? [0, 1] : [1, 0]);
}

/** Adds to the count of `name`. */
export function addName(names: ByName, name: string, more = 1): void {
  names[name] = (names[name] ?? 0) + more;
}

/** The sum of the counts of several processes. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum = noCounts();
  const [latency, firstFrame] = [new Histogram(), new Histogram()];
  for (const one of all) {
    for (const key of SUMMED) sum[key] += one[key];
    for (const key of ["closes", "refusals", "failures"] as const) {
      for (const [name, count] of Object.entries(one[key])) addName(sum[key], name, count);
    }
    for (const [run, standings] of Object.entries(one.standings)) {
      for (const [position, standing] of Object.entries(standings)) addStanding(sum, run, Number(position), standing);
    }
    sum.silent.push(...one.silent);
    latency.merge(one.latency);
    firstFrame.merge(one.firstFrame);
    sum.firstStartAt = Math.min(sum.firstStartAt, one.firstStartAt);
    sum.lastJoinAt = Math.max(sum.lastJoinAt, one.lastJoinAt);
  }
  return { ...sum, latency: latency.data, firstFrame: firstFrame.data };
}

const SUMMED = [
  ...(["started", "joined", "connected", "refused", "reconnects", "bytes", "frames", "duplicates"] as const),
  ...(["told", "missing", "marks", "gaps", "cpuSeconds", "residentBytes"] as const),
];

function addStanding(counts: Counts, run: string, position: number, [untold, told]: readonly [number, number]): void {
  counts.standings[run] ??= {};
  const standings = counts.standings[run];
  const [before, toldBefore] = standings[position] ?? [0, 0];
  standings[position] = [before + untold, toldBefore + told];
}
