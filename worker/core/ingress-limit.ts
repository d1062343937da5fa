// The rate of incoming data: above its owner's limit, publishers are held back, and nothing is lost.
import { TokenBucket } from "./token-bucket.ts";
import type { Tuning } from "./tuning.ts";

/** A burst of this length is allowed. */
const BURST_SECONDS = 1;

/** The limit for all publishers together. */
export class IngressLimit {
  readonly #settings: Tuning;
  #bytes: { readonly limit: number; readonly bucket: TokenBucket } | undefined;
  readonly #messages: TokenBucket;
  /** When held publishers may continue; undefined: none is held. */
  dueAt: number | undefined;

  constructor(settings: Tuning) {
    this.#settings = settings;
    this.#messages = new TokenBucket(settings.messagesPerSecondIn, settings.messagesPerSecondIn * BURST_SECONDS);
  }

  /** A message arrived. Returns true if publishers have to be held now. */
  charge(bytes: number, now: number): boolean {
    const limiting = [this.#messages];
    this.#messages.charge(1, now);
    const bucket = this.#limitBytes();
    bucket?.charge(bytes, now);
    if (bucket !== undefined) limiting.push(bucket);
    const until = Math.max(...limiting.map((each) => each.refilledAt(now)));
    if (until <= now) return false;
    this.dueAt = until;
    return true;
  }

  /** Returns true, once, when the time is over for which publishers were held. */
  release(now: number): boolean {
    if (this.dueAt === undefined || now < this.dueAt) return false;
    this.dueAt = undefined;
    return true;
  }

  /** The owner may change the limit at any time. */
  #limitBytes(): TokenBucket | undefined {
    const limit = this.#settings.bytesPerSecondIn;
    if (limit === Number.POSITIVE_INFINITY) this.#bytes = undefined;
    else if (this.#bytes?.limit !== limit)
      this.#bytes = { limit, bucket: new TokenBucket(limit, limit * BURST_SECONDS) };
    return this.#bytes?.bucket;
  }
}
