// The methods that producers and consumers need of queues: Cloudflare's, or objects on your own machine. Messages
// arrive at least once, in any order.

/** The producer's side of a queue. Rejects if the messages were not stored. */
export interface MessageQueue<T> {
  send(body: T, options?: { readonly contentType?: "json" }): Promise<unknown>;
  sendBatch(messages: Iterable<{ readonly body: T }>): Promise<unknown>;
}

/** A message at its consumer. */
export interface QueuedMessage<T> {
  readonly body: T;
  /** The number of attempts, including this one. */
  readonly attempts: number;
  /** The message is done. */
  ack(): void;
  /** The message has to come again, after the delay at the earliest. */
  retry(options?: { readonly delaySeconds?: number }): void;
}

/**
 * Messages of one queue. A message that is neither acknowledged nor tried again is done, unless the consumer throws.
 */
export interface QueuedBatch<T> {
  readonly queue: string;
  readonly messages: readonly QueuedMessage<T>[];
}
