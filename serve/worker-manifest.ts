// The description of the Worker in wrangler.toml, as far as bare workerd supports it.
import { parse } from "smol-toml";
import * as z from "zod/mini";

const schema = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.optional(z.array(z.string())),
  assets: z.object({ binding: z.string(), run_worker_first: z.array(z.string()) }),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  vars: z.optional(z.record(z.string(), z.string())),
  ratelimits: z.optional(
    z.array(z.object({ name: z.string(), simple: z.object({ limit: z.number(), period: z.number() }) })),
  ),
});

/** Kinds of bindings without a substitute here, by their sections. Buckets, queues and databases have one. */
const LACKING = ["kv_namespaces", "analytics_engine_datasets", "services"];

/** The Worker as it is deployed on Cloudflare. */
export interface WorkerManifest {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly assets: { readonly binding: string; readonly runWorkerFirst: readonly string[] };
  readonly objects: readonly { readonly binding: string; readonly className: string }[];
  readonly vars: Readonly<Record<string, string>>;
  /** In the form of the self-hosted Worker. */
  readonly rateLimits: readonly { readonly name: string; readonly limit: number; readonly period: number }[];
  /** The names of bindings that the Worker lacks here. */
  readonly missing: readonly string[];
}

/** Reads the text of wrangler.toml. Throws if it does not match the one that this program was built with. */
export function readManifest(toml: string): WorkerManifest {
  const all = parse(toml);
  const { assets, durable_objects, vars = {}, ratelimits = [], ...rest } = z.parse(schema, all);
  return {
    compatibilityDate: rest.compatibility_date,
    compatibilityFlags: rest.compatibility_flags ?? [],
    assets: { binding: assets.binding, runWorkerFirst: assets.run_worker_first },
    objects: durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
    vars,
    rateLimits: ratelimits.map(({ name, simple: { limit, period } }) => ({ name, limit, period })),
    missing: LACKING.flatMap((section) => bindingsOf(all[section])),
  };
}

function bindingsOf(section: unknown): string[] {
  return Array.isArray(section) ? section.map(({ binding }) => String(binding)) : [];
}
