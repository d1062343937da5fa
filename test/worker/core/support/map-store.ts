// A key-value store in memory that counts its writes, and can refuse them.
import type { KeyValueStore } from "../../../../worker/core/key-value-store.ts";

export class MapStore implements KeyValueStore {
  readonly rows = new Map<string, unknown>();
  writes = 0;
  isFull = false;

  get<T>(key: string): T | undefined {
    return this.rows.get(key) as T | undefined;
  }

  put<T>(key: string, value: T): void {
    this.#write();
    this.rows.set(key, structuredClone(value));
  }

  delete(key: string): void {
    this.#write();
    this.rows.delete(key);
  }

  list<T>({ prefix = "" } = {}): Iterable<[string, T]> {
    return [...this.rows].filter(([key]) => key.startsWith(prefix)) as [string, T][];
  }

  #write(): void {
    if (this.isFull) throw new Error("database or disk is full");
    this.writes++;
  }
}
