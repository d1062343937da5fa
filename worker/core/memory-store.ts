// A key-value store in memory only: for state that another object stores.
import type { KeyValueStore } from "./key-value-store.ts";

/** Keys and values, in insertion order. */
export class MemoryStore implements KeyValueStore {
  readonly #values = new Map<string, unknown>();

  get<T>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  put<T>(key: string, value: T): void {
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    return this.#values.delete(key);
  }

  *list<T>({ prefix = "" }: { prefix?: string } = {}): Iterable<[string, T]> {
    for (const [key, value] of this.#values) if (key.startsWith(prefix)) yield [key, value as T];
  }
}
