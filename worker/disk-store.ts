// Recordings in a folder of this machine, which workerd serves: files by GET, PUT and DELETE, folders as lists.
import type { ByteRange, ObjectStore } from "./object-store.ts";

/** The store of `roomcast serve`. Keys are paths; a prefix has to end with a `/`. */
export class DiskStore implements ObjectStore {
  readonly #disk: Fetcher;

  constructor(disk: Fetcher) {
    this.#disk = disk;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const response = await this.#disk.fetch(urlOf(key), { method: "PUT", body: bytes });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the disk answers ${response.status}`);
  }

  async get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const headers = range && { range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    const response = await this.#disk.fetch(urlOf(key), headers && { headers });
    if (response.ok && response.body !== null) return response.body;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new Error(`the disk answers ${response.status}`);
  }

  /** Lists everything at once: a folder has the objects of one track. */
  async list(prefix: string): Promise<{ keys: string[]; cursor: undefined }> {
    const response = await this.#disk.fetch(urlOf(prefix));
    if (response.status === 404) return { keys: [], cursor: undefined };
    if (!response.ok) throw new Error(`the disk answers ${response.status}`);
    const entries = await response.json<{ name: string; type: string }[]>();
    const names = entries.flatMap(({ name, type }) => (type === "file" ? [name] : []));
    return { keys: names.sort().map((name) => prefix + name), cursor: undefined };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const response = await this.#disk.fetch(urlOf(key), { method: "DELETE" });
      await response.body?.cancel();
      if (!response.ok && response.status !== 404) throw new Error(`the disk answers ${response.status}`);
    }
  }
}

function urlOf(key: string): string {
  return `http://disk/${key}`;
}
