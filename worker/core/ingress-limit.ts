// How fast a room takes in: above its owner's limit, publishers are held back; nothing is lost.
import { TokenBucket } from "./token-bucket.ts";
import type { Tuning } from "./tuning.ts";

/** A burst of so long is let pass. */
const BURST_SECONDS = 1;

/** What all publishers together may send. */
export class IngressLimit {
  readonly #settings: Tuning;
  #bytes: { readonly limit: number; readonly bucket: TokenBucket } | undefined;
  readonly #messages: TokenBucket;
  /** When publishers that are held may go on; undefined: none is. */
  dueAt: number | undefined;

  constructor(settings: Tuning) {
    this.#settings = settings;
    this.#messages = new TokenBucket(settings.messagesPerSecondIn, settings.messagesPerSecondIn * BURST_SECONDS);
  }

  /** A message came in. true: publishers are to be held now. */
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

  /** Is the time over for which publishers were held? Answers once. */
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
