// Storage that takes no more writes (a full disk, a limit) refuses requests; it never takes the room with it.
import { DurableObject } from "cloudflare:workers";
import type { KeyValueStore } from "./core/key-value-store.ts";

/** More than a room writes in a go, with all the files that its storage may have to open for it. */
const PROBE_BYTES = 256 * 1024;

/** Storage refused a write. */
export class WriteFailed extends Error {
  override readonly name = "WriteFailed";
}

/**
 * An object that holds nothing, and writes where its failure hurts nobody. The runtime resets an object whose write fails, with all of its
 * connections, and it cannot be caught: the write fails at its commit, after the code that made it has returned.
 */
export class StorageProbe extends DurableObject {
  #running: Promise<void> | undefined;

  /** Rejects where the disk is full. Storage is emptied again, so that each probe needs new room on it. Who asks meanwhile shares it. */
  check(): Promise<void> {
    this.#running ??= this.#probe().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #probe(): Promise<void> {
    this.ctx.storage.kv.put("probe", new Uint8Array(PROBE_BYTES));
    await this.ctx.storage.sync();
    await this.ctx.storage.deleteAll();
  }
}

/** A room's view of whether its storage takes writes. Without a probe, as on Cloudflare, it is taken to. */
export class StorageGuard {
  readonly #probes: DurableObjectNamespace<StorageProbe> | undefined;
  #isTrusted: boolean;

  constructor(probes: DurableObjectNamespace<StorageProbe> | undefined) {
    this.#probes = probes;
    this.#isTrusted = probes === undefined;
  }

  /** Does storage take writes? */
  async isWritable(): Promise<boolean> {
    if (this.#isTrusted) return true;
    try {
      await this.#probes?.getByName("probe").check();
      return true;
    } catch {
      return false;
    }
  }

  /** Acts right after `isWritable`: what is written meanwhile needs no further probe. */
  trusting<T>(act: () => T): T {
    this.#isTrusted = true;
    try {
      return act();
    } finally {
      this.#isTrusted = this.#probes === undefined;
    }
  }

  /** Runs `write` now or in a moment where storage takes writes, else not at all: whoever wants it tries again when something happens. */
  whenWritable(write: () => void): void {
    const attempt = () => {
      try {
        write();
      } catch (error) {
        if (!(error instanceof WriteFailed)) throw error;
      }
    };
    if (this.#isTrusted) attempt();
    else void this.isWritable().then((is) => is && attempt());
  }
}

/** `kv` whose refused writes are `WriteFailed`. */
export function guardedStore(kv: KeyValueStore): KeyValueStore {
  const write = <T>(act: () => T): T => {
    try {
      return act();
    } catch (cause) {
      throw new WriteFailed("storage takes no writes now", { cause });
    }
  };
  return {
    get: (key) => kv.get(key),
    list: (options) => kv.list(options),
    put: (key, value) => write(() => kv.put(key, value)),
    delete: (key) => write(() => kv.delete(key)),
  };
}
