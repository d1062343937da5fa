// wrangler.toml: its bindings are those that the Worker knows, in every environment.
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, test, vi } from "vitest";
import { QUEUES } from "../worker/operators/queue-rules.ts";

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const { env, ...production } = parse(text("wrangler.toml")) as Record<string, unknown> & {
  env: Record<string, object>;
};

const sources = globSync("worker/**/*.ts", { cwd: new URL("..", import.meta.url), exclude: ["worker/core/**"] });
const types = sources.map(text).join("\n");

/** The names of all vars and bindings below a part of the file, by section. */
function namesIn(part: object): Record<string, string[]> {
  const { vars = {}, ...sections } = part as { vars?: object };
  const bindings = Object.entries(sections).map(([section, value]) => [section, bindingsOf(value)] as const);
  return Object.fromEntries([["vars", Object.keys(vars)], ...bindings.filter(([, names]) => names.length > 0)]);
}

/** A section is a list of bindings, or contains lists of them. */
function bindingsOf(section: unknown): string[] {
  if (Array.isArray(section)) return section.flatMap(({ name, binding }) => name ?? binding ?? []);
  return typeof section === "object" && section !== null ? Object.values(section).flatMap(bindingsOf) : [];
}

test("an environment has the vars and bindings of the Worker itself", () => {
  for (const part of Object.values(env)) expect(namesIn(part)).toEqual(namesIn(production));
});

/** With the optional blocks, as an operator would uncomment them. */
const whole = text("wrangler.toml").replace(/^# (?=\[\[|\w+ = )/gm, "");

test("the queues that it has operators make are those of a machine of one's own", () => {
  const { queues } = parse(whole) as { queues: { consumers: Record<string, unknown>[] } };
  const made = queues.consumers.map((one) => [
    one.queue,
    {
      batchSize: one.max_batch_size ?? 10,
      gatherMs: Number(one.max_batch_timeout ?? 5) * 1000,
      maxRetries: one.max_retries,
      deadLetters: one.dead_letter_queue,
    },
  ]);
  expect(Object.fromEntries(made)).toEqual(QUEUES);
});

test("the optional blocks are what wrangler knows, and what the Worker asks for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-wrangler-"));
  try {
    const config = join(folder, "wrangler.toml");
    writeFileSync(config, whole);
    const { unstable_readConfig: readConfig } = await import("wrangler");
    const said: string[] = [];
    const warn = vi.spyOn(console, "warn").mockImplementation((line) => void said.push(String(line)));
    const { queues, d1_databases, r2_buckets, analytics_engine_datasets } = readConfig({ config, env: "" });
    warn.mockRestore();
    expect(said).toEqual([]);
    const bound = [...(queues.producers ?? []), ...d1_databases, ...r2_buckets, ...analytics_engine_datasets];
    const names = bound.map(({ binding }) => binding).sort();
    expect(names).toEqual(["ANALYTICS", "EVENTS", "INDEX", "RECORDINGS", "WEBHOOKS"]);
    for (const name of names) expect(types).toMatch(new RegExp(`readonly ${name}\\??:`));
    // Every queue with a producer has a consumer, and so has every dead letter queue.
    const consumed = (queues.consumers ?? []).map((consumer: { queue: string }) => consumer.queue);
    for (const producer of queues.producers ?? []) expect(consumed).toContain(producer.queue);
    for (const { queue, dead_letter_queue: dead } of queues.consumers ?? []) {
      expect(consumed).toContain(dead ?? queue);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("the Worker's environment", () => {
  test.each(Object.values(namesIn(production)).flat())("has %s", (name) => {
    expect(types).toMatch(new RegExp(`readonly ${name}\\??:`));
  });
});
