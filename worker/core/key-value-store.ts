// Storage as the core sees it: values by key, synchronous, surviving the room's sleep.

/** A key-value store; each `put` and `delete` is a row written, so none of them belongs on a frame's way. */
export interface KeyValueStore {
  get<T>(key: string): T | undefined;
  put<T>(key: string, value: T): void;
  delete(key: string): unknown;
  list<T>(options?: { readonly prefix?: string }): Iterable<[string, T]>;
}
