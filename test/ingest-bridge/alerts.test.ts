// The alert rules and the dashboard: their queries are PromQL, and use only metrics of the bridge and the Worker.
import { readFile } from "node:fs/promises";
import { parser } from "@prometheus-io/lezer-promql";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../../ingest-bridge/metrics.ts";
import { family, WORKER_METRICS } from "../../worker/operators/exposition.ts";

const DEPLOY = new URL("../../ingest-bridge/deploy/", import.meta.url);
/** Prometheus's own metrics of each target. */
const OF_PROMETHEUS = ["up"];

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

let rules: Rule[];
let panels: Panel[];
/** Exposed names with their types. */
const metrics = new Map<string, string>();

beforeAll(async () => {
  const [alerts, dashboard] = await Promise.all(
    ["alerts.yaml", "dashboard.json"].map((name) => readFile(new URL(name, DEPLOY), "utf8")),
  );
  rules = (parse(alerts ?? "") as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
  panels = (JSON.parse(dashboard ?? "") as { panels: Panel[] }).panels;
  const text =
    (await createMetrics(() => 0).registry.metrics()) +
    WORKER_METRICS.map(([name, type, help]) => family(name, type, help, [])).join("");
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type !== "histogram") metrics.set(name, type);
    else for (const part of ["bucket", "sum", "count"]) metrics.set(`${name}_${part}`, "counter");
  }
});

/** Texts that replace Grafana's variables. */
function queryOf(expression: string): string {
  return expression.replace(/\$\w+/g, "x");
}

/** The problem of a query. */
function faultsOf(expression: string): string[] {
  const query = queryOf(expression);
  const faults: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from, to }) => {
      const text = query.slice(from, to);
      if (type.isError) faults.push(`${expression}: does not parse at ${from}`);
      if (type.name !== "VectorSelector") return;
      const name = /^[a-z_:]\w*/i.exec(text)?.[0] ?? "";
      if (!metrics.has(name) && !OF_PROMETHEUS.includes(name)) faults.push(`${expression}: there is no ${name}`);
    },
  });
  for (const [, name = ""] of query.matchAll(/(?:rate|increase)\(\s*([a-z_]\w*)/g)) {
    if (metrics.get(name) !== "counter") faults.push(`${expression}: ${name} is no counter`);
  }
  return faults;
}

test("errors in a query are found", () => {
  expect(faultsOf("rate(roomcast_bridge_bytes_total[5m]) > 0")).toEqual([]);
  for (const bad of ["sum(", "roomcast_bridge_nothing > 0", "rate(roomcast_bridge_producers[5m])", "up{job=}"]) {
    expect({ bad, faults: faultsOf(bad).length > 0 }).toEqual({ bad, faults: true });
  }
});

test("alert rules are complete, and use existing metrics", () => {
  expect(rules.length).toBeGreaterThan(8);
  expect(rules.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations, for: lasting = "1m" } of rules) {
    expect({ alert, severity: labels.severity }).toEqual({
      alert,
      severity: expect.stringMatching(/^(page|warning)$/),
    });
    expect(lasting).toMatch(/^\d+[smh]$/);
    expect(annotations.summary.length * annotations.description.length).toBeGreaterThan(0);
  }
});

test("the dashboard's panels use existing metrics, and none covers another", () => {
  const queries = panels.flatMap(({ targets = [] }) => targets);
  expect(queries.length).toBeGreaterThan(20);
  expect(queries.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
  for (const { datasource } of queries) expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const [index, { title, gridPos: a }] of panels.entries()) {
    const over = panels.slice(index + 1).filter(({ gridPos: b }) => {
      return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    });
    expect({ title, over: over.map((one) => one.title), fits: a.x + a.w <= 24 }).toEqual({
      title,
      over: [],
      fits: true,
    });
  }
});
