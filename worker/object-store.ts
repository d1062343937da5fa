// The storage of recordings: four operations, for any kind of store.

/** A part of an object: `length` bytes from `offset` on. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Objects by key. Every method rejects if the store is unreachable, or refuses. */
export interface ObjectStore {
  /** Resolves when the object is stored durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The object, or a part of it; undefined if it does not exist. */
  get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Keys that begin with `prefix`, at most 1,000, in order. `cursor` undefined: there are no more. */
  list(prefix: string, cursor?: string): Promise<{ readonly keys: string[]; readonly cursor: string | undefined }>;
  /** Deletes at most 1,000 keys. A missing key is not an error. */
  delete(keys: readonly string[]): Promise<void>;
}
