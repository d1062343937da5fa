// In a cluster, an object runs on the instance that first asks for it. So several instances in turn ask for a room's
// relays.
import { DurableObject } from "cloudflare:workers";
import { type ObjectsEnv, relayOf, within } from "./objects.ts";

/** The additional environment of a cluster's member. */
export interface InstancesEnv extends ObjectsEnv {
  /** The name of this instance, which is new at each start. */
  readonly INSTANCE?: string;
  readonly INSTANCES?: DurableObjectNamespace<Instance>;
}

/** An object on the instance whose name it has, because that instance first asked for it. */
export class Instance extends DurableObject<InstancesEnv> {
  /** Shows that the instance is running. */
  here(): void {}

  /** Asks for a relay. If nobody asked before, it now runs on this instance. */
  async start(relay: string): Promise<void> {
    await relayOf(this.env, relay).here();
  }
}

/** An instance without any request for this long may be gone. */
const GONE_MS = 60_000;
const MAX_KNOWN = 64;

/** If an instance does not answer within this time, the room's own instance starts the relay. */
const START_MS = 1000;

/** The interval at which an instance reports that it is running. */
const HERE_MS = 5000;
let saidAt = Number.NEGATIVE_INFINITY;

/**
 * The name under which a room may let this instance start relays. undefined: there are no other instances, or they
 * cannot reach this one by its name now. Never throws.
 */
export async function sayHere({ INSTANCE: name, INSTANCES, JURISDICTION }: InstancesEnv): Promise<string | undefined> {
  if (name === undefined || INSTANCES === undefined) return undefined;
  if (Date.now() - saidAt >= HERE_MS) {
    saidAt = Date.now();
    try {
      await within({ JURISDICTION }, INSTANCES).getByName(name).here();
    } catch (error) {
      saidAt = Number.NEGATIVE_INFINITY;
      console.warn("this instance starts no relays for now: it could not say that it is there", error);
      return undefined;
    }
  }
  return name;
}

/**
 * The instances through which a room's subscribers join, and the number of relays that each has started. Times are ms
 * since 1970.
 */
export class Instances {
  readonly #known = new Map<string, { seenAt: number; relays: number }>();

  /** A newcomer arrived through the instance. */
  seen(name: string, now: number): void {
    const { relays = 0 } = this.#known.get(name) ?? {};
    this.#known.delete(name);
    this.#known.set(name, { seenAt: now, relays });
    const [oldest] = this.#known.size > MAX_KNOWN ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  /** The instance with the fewest relays, which should start the next one; undefined: none is known. */
  next(now: number): string | undefined {
    let best: { name: string; relays: number } | undefined;
    for (const [name, { seenAt, relays }] of this.#known) {
      if (now - seenAt > GONE_MS) this.#known.delete(name);
      else if (best === undefined || relays < best.relays) best = { name, relays };
    }
    const chosen = best && this.#known.get(best.name);
    if (chosen !== undefined) chosen.relays++;
    return best?.name;
  }
}

/** Lets an instance start the relay. Never throws: the next call to the relay starts it otherwise. */
export async function startAt(env: InstancesEnv, name: string | undefined, relay: string): Promise<void> {
  if (name === undefined || env.INSTANCES === undefined) return;
  const started = within(env, env.INSTANCES).getByName(name).start(relay);
  const late = new Promise<void>((resolve) => setTimeout(resolve, START_MS));
  await Promise.race([started.catch(() => {}), late]);
}
