// Queues without Cloudflare's: an object for each queue, whose alarm hands messages to the same consumer.
import { DurableObject } from "cloudflare:workers";
import { type StoredMessage, StoredQueue } from "./core/stored-queue.ts";
import type { Env } from "./env.ts";
import { consume } from "./operators/consumer.ts";
import type { MessageQueue, QueuedMessage } from "./operators/message-queue.ts";
import { QUEUES, type QueueName } from "./operators/queue-rules.ts";
import { Alarm } from "./wake.ts";

/** After a failure of the consumer, or of the queue of dead letters. */
const RETRY_MS = 30_000;

/** An object may not know its name, so it stores it. */
const NAME = "name";

/** The environment of such an object. */
export interface QueuesEnv {
  readonly LOCAL_QUEUES: DurableObjectNamespace<LocalQueue>;
}

/** One queue. */
export class LocalQueue extends DurableObject<QueuesEnv> {
  readonly #alarm: Alarm;
  readonly #surroundings: Env;
  #queue: { readonly name: QueueName; readonly stored: StoredQueue } | undefined;

  /** `surroundings`: of the consumer. */
  constructor(ctx: DurableObjectState, env: QueuesEnv, surroundings: Env) {
    super(ctx, env);
    this.#alarm = new Alarm(ctx.storage);
    this.#surroundings = surroundings;
    const name = ctx.storage.kv.get<QueueName>(NAME);
    if (name !== undefined) this.#queue = this.#open(name);
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#alarm.by(this.#queue?.stored.dueAt);
    });
  }

  /** Takes messages, each as JSON. Rejects if there is no space. */
  async add(name: QueueName, bodies: readonly string[]): Promise<void> {
    if (this.#queue === undefined) {
      this.ctx.storage.kv.put(NAME, name);
      this.#queue = this.#open(name);
    }
    if (!this.#queue.stored.add(Date.now(), bodies)) throw new Error(`the queue ${name} is full`);
    this.#alarm.by(this.#queue.stored.dueAt);
  }

  /** Hands out the due messages, batch by batch. Never fails: the runtime gives up an alarm that fails a few times. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    if (this.#queue === undefined) return;
    const { name, stored } = this.#queue;
    // Messages that arrive meanwhile wait for the next alarm.
    const now = Date.now();
    for (let batch = stored.take(now); batch.length > 0; batch = stored.take(now)) {
      await this.#handOut(name, stored, batch);
    }
    this.#alarm.by(stored.dueAt);
  }

  async #handOut(name: QueueName, stored: StoredQueue, batch: readonly StoredMessage[]): Promise<void> {
    const failed = new Map<StoredMessage, number>();
    const open = new Set(batch);
    const messages = batch.map(
      (message): QueuedMessage<never> => ({
        body: JSON.parse(message.body) as never,
        attempts: message.attempts,
        ack: () => void open.delete(message),
        retry: ({ delaySeconds = 0 } = {}) => {
          if (open.delete(message)) failed.set(message, delaySeconds * 1000);
        },
      }),
    );
    try {
      await consume({ queue: name, messages }, this.#surroundings);
    } catch (error) {
      console.error(`a batch of ${name} failed`, error);
      for (const message of open) failed.set(message, RETRY_MS);
    }
    const dead = stored.settle(Date.now(), batch, failed);
    if (dead.length > 0 && (await this.#bury(name, dead))) stored.remove(dead);
  }

  /**
   * Passes on messages that failed too often, or drops them if they are dead letters already. Returns true if they can
   * be removed here.
   */
  async #bury(name: QueueName, dead: readonly StoredMessage[]): Promise<boolean> {
    const { deadLetters } = QUEUES[name];
    if (deadLetters === undefined) {
      console.error(`${dead.length} messages of ${name} are dropped`);
      return true;
    }
    const bodies = dead.map(({ body }) => body);
    const added = this.env.LOCAL_QUEUES.getByName(deadLetters).add(deadLetters, bodies);
    return added.then(
      () => true,
      () => false,
    );
  }

  #open(name: QueueName) {
    return { name, stored: new StoredQueue(this.ctx.storage.sql, QUEUES[name]) };
  }
}

/** The producer's side of one queue. */
export class LocalSender<T> implements MessageQueue<T> {
  readonly #objects: DurableObjectNamespace<LocalQueue>;
  readonly #name: QueueName;

  constructor(objects: DurableObjectNamespace<LocalQueue>, name: QueueName) {
    this.#objects = objects;
    this.#name = name;
  }

  send(body: T): Promise<void> {
    return this.sendBatch([{ body }]);
  }

  async sendBatch(messages: Iterable<{ readonly body: T }>): Promise<void> {
    const bodies = Array.from(messages, ({ body }) => JSON.stringify(body));
    await this.#objects.getByName(this.#name).add(this.#name, bodies);
  }
}
