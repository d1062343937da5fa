// Recordings in a bucket that speaks S3.
import { AwsClient } from "aws4fetch";
import type { ByteRange, ObjectStore } from "./object-store.ts";
import { sha256Hex } from "./sha256.ts";

/** The place of the bucket, and the credentials for it. */
export interface S3Place {
  /** The bucket's URL with the prefix of all keys; it ends with a `/`. The bucket's name is in the path. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Time for the bucket to begin an answer. */
const ANSWER_MS = 15_000;
const PAGE = 1000;
/** The number of parallel requests: not every store can delete several objects in one request. */
const DELETED_AT_ONCE = 32;

/** Keys consist of letters, digits, `.`, `_`, `-` and `/`: nothing has to be escaped. */
export class S3Store implements ObjectStore {
  readonly #network: Fetcher;
  readonly #client: AwsClient;
  readonly #place: S3Place;

  /** `network`: reaches the bucket. */
  constructor(network: Fetcher, place: S3Place) {
    const { region, accessKeyId, secretAccessKey, sessionToken } = place;
    this.#network = network;
    this.#place = place;
    this.#client = new AwsClient({
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
    });
  }

  /** The digest is signed: the bucket refuses bytes that changed on their way. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    const headers = { "x-amz-content-sha256": await sha256Hex(bytes) };
    await this.#done(await this.#ask("PUT", this.#urlOf(key), headers, bytes));
  }

  async get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const headers = range && { range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    const response = await this.#ask("GET", this.#urlOf(key), headers);
    if (response.status === (range === undefined ? 200 : 206) && response.body !== null) return response.body;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new Error(`the bucket answers ${response.status}`);
  }

  async list(prefix: string, cursor?: string): Promise<{ keys: string[]; cursor: string | undefined }> {
    const { pathname } = new URL(this.#place.url);
    const [, bucket = "", ...own] = pathname.split("/");
    const ownPrefix = own.join("/");
    const url = new URL(`/${bucket}`, this.#place.url);
    url.searchParams.set("list-type", "2");
    url.searchParams.set("max-keys", String(PAGE));
    url.searchParams.set("prefix", ownPrefix + prefix);
    if (cursor !== undefined) url.searchParams.set("continuation-token", cursor);
    const response = await this.#ask("GET", url.href);
    const text = await response.text();
    if (!response.ok) throw new Error(`the bucket answers ${response.status}`);
    const keys = valuesOf(text, "Key").map((key) => key.slice(ownPrefix.length));
    return { keys, cursor: valuesOf(text, "NextContinuationToken")[0] };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
      const some = keys.slice(from, from + DELETED_AT_ONCE);
      await Promise.all(some.map(async (key) => this.#done(await this.#ask("DELETE", this.#urlOf(key)), 404)));
    }
  }

  #urlOf(key: string): string {
    return this.#place.url + key;
  }

  /** `also`: a further status that means success. */
  async #done(response: Response, also?: number): Promise<void> {
    await response.body?.cancel();
    if (!response.ok && response.status !== also) throw new Error(`the bucket answers ${response.status}`);
  }

  async #ask(method: string, url: string, headers: Record<string, string> = {}, body?: Uint8Array): Promise<Response> {
    const request = await this.#client.sign(url, { method, headers, ...(body && { body }) });
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("the bucket does not answer")), ANSWER_MS);
    try {
      return await this.#network.fetch(request, { signal: late.signal });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The texts of the elements with this name. */
function valuesOf(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"));
  return Array.from(found, ([, text = ""]) => text.replaceAll("&quot;", '"').replaceAll("&amp;", "&"));
}
