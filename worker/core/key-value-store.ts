// Storage as the core sees it: values by key, synchronous, surviving the room's sleep.

/** A key-value store. Each `put` and `delete` writes a row, so neither belongs on the frame path. */
export interface KeyValueStore {
  get<T>(key: string): T | undefined;
  put<T>(key: string, value: T): void;
  delete(key: string): unknown;
  list<T>(options?: { readonly prefix?: string }): Iterable<[string, T]>;
}
