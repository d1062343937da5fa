// The result of a load: frames expected, received, reported missing, and lost.
import type { ByName, Counts } from "./counts.ts";
import { Histogram } from "./histogram.ts";

/** The frames of the own publisher. */
export interface Published {
  readonly frames: number;
  readonly bytes: number;
  /** A group begins at every multiple of this number. */
  readonly groupFrames: number;
}

/** The end of each run, by its name: every subscriber should reach it. */
export type Ends = Readonly<Record<string, number>>;

/** As JSON. An unknown figure is null. */
export interface LoadResult {
  readonly subscribers: number;
  readonly joined: number;
  readonly joinsPerSecond: number | null;
  readonly refused: number;
  /** Why the room ended the own publisher, if it did. */
  readonly publisherRefused: string | null;
  readonly framesPublished: number | null;
  readonly framesExpected: number;
  readonly framesReceived: number;
  readonly framesToldMissing: number;
  readonly framesLostUntold: number;
  readonly framesDuplicate: number;
  readonly gaps: number;
  readonly bytesPublished: number | null;
  readonly bytesReceived: number;
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null; readonly max: number | null };
  readonly firstFrameMs: { readonly p50: number | null; readonly p99: number | null };
  readonly reconnects: number;
  readonly closes: ByName;
  readonly refusals: ByName;
  readonly failures: ByName;
  /** From the first attempt to join to the end of the drain. */
  readonly seconds: number;
  readonly isInterrupted: boolean;
  readonly generator: {
    readonly processes: number;
    readonly cpuSeconds: number;
    /**
     * Processor time of the busiest process, as a part of the elapsed time. Near 1, the latencies are partly its own.
     */
    readonly cpuShare: number;
    readonly residentMiB: number;
  };
}

/** Facts about the load in addition to the counts. */
export interface LoadFacts {
  readonly published: Published | undefined;
  readonly publisherRefused: string | undefined;
  readonly ends: Ends;
  readonly seconds: number;
  readonly isInterrupted: boolean;
  readonly processes: number;
  readonly cpuShare: number;
}

/** The furthest position of any subscriber in each run. */
export function endsOf({ standings }: Counts): Ends {
  return Object.fromEntries(
    Object.entries(standings).map(([run, positions]) => [run, Math.max(...Object.keys(positions).map(Number))]),
  );
}

/**
 * Subscribers that still need something: those before an end, those without any frame, and those that are reconnecting.
 */
export function waitingOf(counts: Counts, ends: Ends, published: Published | undefined): number {
  const { joined, connected, refused } = counts;
  let waiting = Math.max(0, joined - connected - refused);
  for (const [run, end] of Object.entries(ends)) {
    for (const [position, [untold]] of Object.entries(counts.standings[run] ?? {})) {
      if (Number(position) < end) waiting += untold;
    }
  }
  for (const [before, subscribers] of counts.silent) if (owed(before, published) > 0) waiting += subscribers;
  return waiting;
}

/** The result of the counts at the end of the drain. */
export function resultOf(counts: Counts, facts: LoadFacts): LoadResult {
  const { published, ends } = facts;
  const short = shortfallOf(counts, ends);
  const silent = counts.silent.reduce((sum, [before, subscribers]) => sum + owed(before, published) * subscribers, 0);
  const told = counts.told + short.told;
  const lost = counts.missing + short.untold + silent;
  const joinSeconds = (counts.lastJoinAt - counts.firstStartAt) / 1000;
  const [latency, firstFrame] = [new Histogram(), new Histogram()];
  latency.merge(counts.latency);
  firstFrame.merge(counts.firstFrame);
  return {
    subscribers: counts.started,
    joined: counts.joined,
    joinsPerSecond: counts.joined > 0 && joinSeconds > 0 ? rounded(counts.joined / joinSeconds) : null,
    refused: counts.refused,
    publisherRefused: facts.publisherRefused ?? null,
    framesPublished: published?.frames ?? null,
    framesExpected: counts.frames + told + lost,
    framesReceived: counts.frames,
    framesToldMissing: told,
    framesLostUntold: lost,
    framesDuplicate: counts.duplicates,
    gaps: counts.gaps,
    bytesPublished: published?.bytes ?? null,
    bytesReceived: counts.bytes,
    latencyMs: { ...quantilesOf(latency), max: rounded(latency.max) },
    firstFrameMs: quantilesOf(firstFrame),
    reconnects: counts.reconnects,
    closes: counts.closes,
    refusals: counts.refusals,
    failures: counts.failures,
    seconds: rounded(facts.seconds) ?? 0,
    isInterrupted: facts.isInterrupted,
    generator: {
      processes: facts.processes,
      cpuSeconds: rounded(counts.cpuSeconds) ?? 0,
      cpuShare: rounded(facts.cpuShare) ?? 0,
      residentMiB: rounded(counts.residentBytes / 1024 ** 2) ?? 0,
    },
  };
}

/** Frames between the subscribers' positions and the end of their run. */
function shortfallOf(counts: Counts, ends: Ends): { untold: number; told: number } {
  const short = { untold: 0, told: 0 };
  for (const [run, end] of Object.entries(ends)) {
    for (const [position, [untold, told]] of Object.entries(counts.standings[run] ?? {})) {
      const frames = Math.max(0, end - Number(position));
      short.untold += frames * untold;
      short.told += frames * told;
    }
  }
  return short;
}

/** The frames due to a subscriber that got none: all from the first group on that began after it had joined. */
function owed(before: number, published: Published | undefined): number {
  if (published === undefined) return 0;
  const { frames, groupFrames } = published;
  return Math.max(0, frames - Math.ceil(before / groupFrames) * groupFrames);
}

function quantilesOf(histogram: Histogram): { p50: number | null; p99: number | null } {
  return { p50: rounded(histogram.quantile(0.5)), p99: rounded(histogram.quantile(0.99)) };
}

/** More than four digits would be noise. */
function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
