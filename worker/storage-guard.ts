// If storage accepts no writes (a full disk, a limit, a bucket that is gone), requests are refused. The room survives.
import { DurableObject } from "cloudflare:workers";
import type { KeyValueStore } from "./core/key-value-store.ts";
import { inTime } from "./in-time.ts";

/** On a disk: more than a room writes at once, including all files that its storage may have to open for it. */
const PROBE_BYTES = 256 * 1024;

/** Storage that takes longer counts as accepting no writes. */
const PROBE_MS = 5000;

/** After a refusal, frames cause no probe for this time. */
const REST_MS = 1000;

/** Storage refused a write. */
export class WriteFailed extends Error {
  override readonly name = "WriteFailed";
}

/**
 * An object that stores nothing, and writes where a failure harms nobody. If an object's write fails, the runtime
 * resets the object, with all of its connections. Code cannot catch this: the write fails at its commit, after the code
 * that made it has returned.
 */
export class StorageProbe extends DurableObject {
  #running: Promise<void> | undefined;

  /**
   * Rejects if the disk is full. The storage is emptied again, so that each probe needs new space on the disk. Requests
   * that come meanwhile share the probe.
   */
  check(bytes: number): Promise<void> {
    this.#running ??= this.#probe(bytes).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #probe(bytes: number): Promise<void> {
    this.ctx.storage.kv.put("probe", new Uint8Array(bytes));
    await this.ctx.storage.sync();
    await this.ctx.storage.deleteAll();
  }
}

/** A room's view of whether its storage accepts writes. Without a probe, as on Cloudflare, it assumes that it does. */
export class StorageGuard {
  readonly #probes: DurableObjectNamespace<StorageProbe> | undefined;
  readonly #instance: string | undefined;
  #isTrusted: boolean;
  #isAsking = false;
  #restUntil = 0;

  /**
   * `instance`: the name of an instance of a cluster, whose storage is a bucket. It has a probe of its own, because
   * only this instance asks for this name.
   */
  constructor(probes: DurableObjectNamespace<StorageProbe> | undefined, instance?: string) {
    this.#probes = probes;
    this.#instance = instance;
    this.#isTrusted = probes === undefined;
  }

  /** Returns true if storage accepts writes. */
  async isWritable(): Promise<boolean> {
    if (this.#isTrusted || this.#probes === undefined) return true;
    const checked = this.#probes
      .getByName(this.#instance ?? "probe")
      .check(this.#instance === undefined ? PROBE_BYTES : 1);
    return inTime(checked, PROBE_MS).then(
      () => true,
      () => false,
    );
  }

  /** Runs `act` right after `isWritable`: its writes need no further probe. */
  trusting<T>(act: () => T): T {
    this.#isTrusted = true;
    try {
      return act();
    } finally {
      this.#isTrusted = this.#probes === undefined;
    }
  }

  /**
   * Runs `write` now or in a moment if storage accepts writes. Otherwise it does not run; the caller tries again at the
   * next event. While one write waits, others are left out: it writes for all of them.
   */
  whenWritable(write: () => void): void {
    const attempt = () => {
      try {
        write();
      } catch (error) {
        if (!(error instanceof WriteFailed)) throw error;
      }
    };
    if (this.#isTrusted) return attempt();
    if (this.#isAsking || Date.now() < this.#restUntil) return;
    this.#isAsking = true;
    void this.isWritable().then((is) => {
      this.#isAsking = false;
      if (is) attempt();
      else this.#restUntil = Date.now() + REST_MS;
    });
  }
}

/** `kv` whose refused writes throw `WriteFailed`. */
export function guardedStore(kv: KeyValueStore): KeyValueStore {
  const write = <T>(act: () => T): T => {
    try {
      return act();
    } catch (cause) {
      throw new WriteFailed("storage currently accepts no writes", { cause });
    }
  };
  return {
    get: (key) => kv.get(key),
    list: (options) => kv.list(options),
    put: (key, value) => write(() => kv.put(key, value)),
    delete: (key) => write(() => kv.delete(key)),
  };
}
