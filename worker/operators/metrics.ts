// The metrics of all rooms together, from the index.
import { costOf } from "../core/prices.ts";
import { NO_USAGE, USAGE_NAMES, type Usage } from "../core/usage.ts";
import { VERSION } from "../version.ts";
import { ANALYTICS_METRICS, recentValues } from "./analytics.ts";
import { family, type Value, WORKER_METRICS } from "./exposition.ts";
import type { IndexDatabase } from "./index-database.ts";
import { indexOf } from "./schema.ts";
import type { OperatorSettings } from "./settings.ts";

interface Totals {
  readonly subscribers: number | null;
  readonly publishers: number | null;
  readonly sources: number | null;
  readonly relays: number | null;
}

type Count = { readonly name: string; readonly count: number };

/** The answer for Prometheus. */
export async function exposition(
  database: IndexDatabase,
  { prices, analytics }: Pick<OperatorSettings, "prices" | "analytics">,
): Promise<string> {
  const recent = analytics === undefined ? undefined : recentValues(analytics);
  const index = await indexOf(database);
  const sums = USAGE_NAMES.map((name) => `SUM(usage ->> '$.${name}') AS ${name}`).join(", ");
  const [states, totals, usage, closed, deliveries] = await index.batch([
    index.prepare("SELECT status AS name, COUNT(*) AS count FROM rooms GROUP BY status"),
    index.prepare(`SELECT SUM(state ->> '$.subscribers') AS subscribers, SUM(state ->> '$.publishers') AS publishers,
      SUM((SELECT COUNT(*) FROM json_each(state, '$.sources') WHERE value ->> '$.online')) AS sources,
      SUM(json_array_length(state, '$.relays')) AS relays FROM rooms WHERE status = 'open'`),
    index.prepare(`SELECT ${sums} FROM rooms`),
    index.prepare("SELECT key AS name, SUM(value) AS count FROM rooms, json_each(state, '$.closed') GROUP BY key"),
    index.prepare("SELECT status AS name, COUNT(*) AS count FROM deliveries GROUP BY status"),
  ]);
  const [of = { subscribers: 0, publishers: 0, sources: 0, relays: 0 }] = (totals?.results ?? []) as Totals[];
  const [summed = NO_USAGE] = (usage?.results ?? []) as Usage[];
  const used = Object.fromEntries(USAGE_NAMES.map((name) => [name, summed[name] ?? 0])) as unknown as Usage;
  const counts = (result: { readonly results: unknown[] } | undefined, names: readonly string[] = []) => {
    const found = new Map(((result?.results ?? []) as Count[]).map(({ name, count }) => [name, count]));
    return [...new Set([...names, ...found.keys()])].map((name) => [name, found.get(name) ?? 0] as const);
  };
  const values: Readonly<Record<(typeof WORKER_METRICS)[number][0], readonly Value[]>> = {
    build_info: [[{ version: VERSION }, 1]],
    rooms: labelled("state", counts(states, ["open", "closed", "expired"])),
    subscribers: [[{}, of.subscribers ?? 0]],
    publishers: [[{}, of.publishers ?? 0]],
    sources_online: [[{}, of.sources ?? 0]],
    relays: [[{}, of.relays ?? 0]],
    received_bytes_total: [[{}, used.bytesIn]],
    messages_total: [[{}, used.messages]],
    requests_total: [[{}, used.requests]],
    awake_seconds_total: [[{}, used.awakeMs / 1000]],
    rows_written_total: [[{}, used.rowsWritten]],
    subscriber_seconds_total: [[{}, used.subscriberMs / 1000]],
    closed_total: labelled("reason", counts(closed)),
    cost_dollars_total: labelled("part", Object.entries(costOf(used, prices))),
    webhooks: labelled("status", counts(deliveries, ["waiting", "delivered", "dead"])),
  };
  const ofIndex = WORKER_METRICS.map(([name, type, help]) => family(name, type, help, values[name]));
  const found = await recent;
  const ofAnalytics = ANALYTICS_METRICS.map(([name, type, help], place) =>
    family(name, type, help, found?.[place] ?? []),
  );
  return [...ofIndex, ...(found === undefined ? [] : ofAnalytics)].join("");
}

function labelled(label: string, counts: readonly (readonly [string, number])[]): Value[] {
  return counts.map(([name, count]) => [{ [label]: name }, count]);
}
