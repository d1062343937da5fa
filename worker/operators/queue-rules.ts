// The settings of queues that are objects: the same as those that wrangler.toml has for Cloudflare's queues.
import type { QueueRules } from "../core/stored-queue.ts";

/** By their names. `deadLetters`: the queue for messages that failed too often; undefined: they are dropped. */
export const QUEUES = {
  "roomcast-events": { batchSize: 50, gatherMs: 2000, maxRetries: 50, deadLetters: "roomcast-dead" },
  "roomcast-webhooks": { batchSize: 20, gatherMs: 1000, maxRetries: 10, deadLetters: "roomcast-dead" },
  "roomcast-dead": { batchSize: 10, gatherMs: 5000, maxRetries: 50, deadLetters: undefined },
} as const satisfies Record<string, QueueRules & { deadLetters: string | undefined }>;

export type QueueName = keyof typeof QUEUES;
