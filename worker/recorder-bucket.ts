// The objects of one recorder in its bucket.
import { joined } from "../protocol/joined.ts";
import type { StoreOrder } from "./core/store-order.ts";
import { inTime } from "./in-time.ts";
import type { ObjectStore } from "./object-store.ts";
import { sha256Hex } from "./sha256.ts";

/** After this time, storing has failed. The recorder tries again under another name. */
const STORE_MS = 15_000;

/** Names are below `prefix`. */
export class RecorderBucket {
  readonly #store: ObjectStore;
  readonly #prefix: string;

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Resolves with the SHA-256 of the segment, in hex, when everything is stored. Rejects if that is uncertain. */
  async put(order: StoreOrder): Promise<string> {
    const bytes = joined(order.parts, order.bytes);
    const sha256 = await sha256Hex(bytes);
    if (order.init !== undefined) await this.#keep(order.init.name, order.init.bytes);
    await this.#keep(order.name, bytes);
    return sha256;
  }

  /** Resolves with false if objects may be left. */
  remove(names: readonly string[]): Promise<boolean> {
    return this.#store.delete(names.map((name) => this.#prefix + name)).then(
      () => true,
      () => false,
    );
  }

  /** A page of names; `cursor`: from the previous page. Resolves with undefined if the bucket does not answer. */
  async list(cursor: string | undefined): Promise<{ names: string[]; cursor: string | undefined } | undefined> {
    const page = await this.#store.list(this.#prefix, cursor).catch(() => undefined);
    const names = page?.keys.map((key) => key.slice(this.#prefix.length)) ?? [];
    return page && { names, cursor: page.cursor };
  }

  #keep(name: string, bytes: Uint8Array): Promise<void> {
    return inTime(this.#store.put(this.#prefix + name, bytes), STORE_MS);
  }
}
