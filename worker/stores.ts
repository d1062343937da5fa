// The store of this Worker: Cloudflare's bucket, another one, or a folder.
import { DiskStore } from "./disk-store.ts";
import type { ByteRange, ObjectStore } from "./object-store.ts";
import { S3Store } from "./s3-store.ts";

/** The bindings of possible stores. */
export interface StoreEnv {
  readonly RECORDINGS?: R2Bucket;
  /** A folder on your own machine. */
  readonly RECORDINGS_DISK?: Fetcher;
  /** The network of a bucket that speaks S3, the bucket's URL with the prefix of all keys, and the credentials. */
  readonly RECORDINGS_BUCKET?: Fetcher;
  readonly RECORDINGS_URL?: string;
  readonly RECORDINGS_REGION?: string;
  readonly AWS_ACCESS_KEY_ID?: string;
  readonly AWS_SECRET_ACCESS_KEY?: string;
  readonly AWS_SESSION_TOKEN?: string;
}

/** The store of this Worker; undefined: it has none, so rooms cannot be recorded. */
export function storeOf(env: StoreEnv): ObjectStore | undefined {
  if (env.RECORDINGS !== undefined) return new R2Store(env.RECORDINGS);
  if (env.RECORDINGS_BUCKET !== undefined) return new S3Store(env.RECORDINGS_BUCKET, placeOf(env));
  return env.RECORDINGS_DISK && new DiskStore(env.RECORDINGS_DISK);
}

function placeOf(env: StoreEnv) {
  return {
    url: env.RECORDINGS_URL ?? "",
    region: env.RECORDINGS_REGION ?? "",
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? "",
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "",
    sessionToken: env.AWS_SESSION_TOKEN,
  };
}

/** Cloudflare's bucket. */
class R2Store implements ObjectStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#bucket.put(key, bytes);
  }

  async get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const object = await this.#bucket.get(key, range && { range });
    return object?.body;
  }

  async list(prefix: string, cursor?: string): Promise<{ keys: string[]; cursor: string | undefined }> {
    const page = await this.#bucket.list({ prefix, limit: 1000, ...(cursor !== undefined && { cursor }) });
    return { keys: page.objects.map(({ key }) => key), cursor: page.truncated ? page.cursor : undefined };
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#bucket.delete([...keys]);
  }
}
