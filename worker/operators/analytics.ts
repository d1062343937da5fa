// Metrics from Analytics Engine: the last minutes of all rooms, if the Worker may query it.
import type { Metric, Value } from "./exposition.ts";

/** Access to the data set: Cloudflare's SQL API of an account, and a token that may read it. */
export interface AnalyticsAccess {
  readonly url: string;
  readonly token: string;
  readonly dataset: string;
}

const ANSWER_MS = 5000;

/** In output order. */
export const ANALYTICS_METRICS = [
  ["reports_5m", "gauge", "Room reports in the last five minutes"],
  ["reporting_rooms_5m", "gauge", "Rooms that reported in the last five minutes"],
  ["received_bytes_5m", "gauge", "Bytes of messages with frames that these rooms received in that time"],
  ["largest_room_5m", "gauge", "Subscribers of the largest of them"],
] as const satisfies readonly Metric[];

/**
 * `double1`: subscribers, `double4`: bytes, `double6`: the ms in which they arrived, as the consumer writes them. A
 * report's bytes are those of its last minute or two.
 */
function queryOf({ dataset }: AnalyticsAccess): string {
  return `SELECT SUM(_sample_interval) AS reports, COUNT(DISTINCT index1) AS rooms,
    SUM(_sample_interval * double4 * 60000 / double6) AS bytes, MAX(double1) AS largest
    FROM ${dataset} WHERE timestamp > NOW() - INTERVAL '5' MINUTE FORMAT JSON`;
}

/** The values of these metrics; undefined: they are unavailable, which does not affect the others. */
export async function recentValues(access: AnalyticsAccess): Promise<readonly (readonly Value[])[] | undefined> {
  try {
    const answer = await fetch(access.url, {
      method: "POST",
      headers: { authorization: `Bearer ${access.token}` },
      body: queryOf(access),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!answer.ok) throw new Error(`Analytics Engine answered ${answer.status}`);
    const { data } = await answer.json<{ data: Record<string, unknown>[] }>();
    const [row = {}] = data;
    // Large sums are returned as texts.
    return ["reports", "rooms", "bytes", "largest"].map((name) => [[{}, Number(row[name] ?? 0) || 0]]);
  } catch (error) {
    console.error("no metrics of Analytics Engine", error);
    return undefined;
  }
}
