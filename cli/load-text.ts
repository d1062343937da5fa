// The result of a load as text.
import type { ByName, LoadResult } from "../load/index.ts";
import type { LoadCost } from "./load-cost.ts";
import { formatBytes } from "./progress.ts";

/** Above this share of a core, the generator's own delays affect the latencies. */
const BUSY_SHARE = 0.8;

/** Lines of text, each with a newline. */
export function describeLoad(result: LoadResult, cost?: LoadCost): string {
  const { latencyMs, firstFrameMs, generator } = result;
  const rows: (readonly [string, string] | undefined)[] = [
    ["subscribers", `${result.joined} of ${result.subscribers} joined${perSecond(result.joinsPerSecond)}`],
    result.framesPublished === null
      ? undefined
      : ["published", `${result.framesPublished} frames, ${formatBytes(result.bytesPublished ?? 0)}`],
    ["expected", `${result.framesExpected} frames`],
    ["received", `${result.framesReceived} frames, ${formatBytes(result.bytesReceived)}`],
    ["reported missing", `${result.framesToldMissing} frames, in ${result.gaps} gaps`],
    ["lost silently", `${result.framesLostUntold} frames`],
    result.framesDuplicate === 0 ? undefined : ["twice", `${result.framesDuplicate} frames`],
    latencyMs.max === null
      ? undefined
      : ["latency", `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms`],
    firstFrameMs.p50 === null
      ? undefined
      : ["first frame", `p50 ${firstFrameMs.p50} ms, p99 ${firstFrameMs.p99} ms after the attempt to join`],
    ["reconnects", String(result.reconnects)],
    named("closes", result.closes),
    named("refusals", result.refusals),
    named("failures", result.failures),
    cost === undefined ? undefined : ["cost", costText(cost)],
    ["generator", `${generator.cpuShare} of a core, ${generator.residentMiB} MiB, ${result.seconds} s`],
  ];
  const lines = rows.filter((row) => row !== undefined).map(([name, text]) => `${name.padEnd(14)}${text}\n`);
  const isBusy = generator.cpuShare > BUSY_SHARE;
  return (
    lines.join("") +
    (isBusy ? "The load generator was busy, so a part of the latency is its own. Try --processes.\n" : "")
  );
}

function costText({ dollars, viewerHours, dollarsPer1000ViewerHours: rate, prices }: LoadCost): string {
  const per = rate === null ? "" : `, $${rate} per 1,000 viewer-hours`;
  return `$${dollars} for ${viewerHours} viewer-hours${per}, at the prices of ${prices}`;
}

function perSecond(joins: number | null): string {
  return joins === null ? "" : `, ${joins} a second`;
}

function named(name: string, counts: ByName): readonly [string, string] | undefined {
  const parts = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  return parts.length === 0 ? undefined : [name, parts.join(", ")];
}
