// The consumer of the queues: it writes rooms' reports into the index, sends webhooks to their receivers, and records
// what failed permanently.
import { type Config, readConfig } from "../config.ts";
import type { RoomReport } from "../core/journal.ts";
import type { Env } from "../env.ts";
import { setValues } from "../set-values.ts";
import {
  attempt,
  bury,
  type DeliveryOrder,
  endpointsOf,
  findDelivery,
  noteOutcome,
  orderStatements,
} from "./deliveries.ts";
import type { IndexDatabase } from "./index-database.ts";
import type { QueuedBatch, QueuedMessage } from "./message-queue.ts";
import { statementsFor } from "./room-index.ts";
import { indexOf } from "./schema.ts";
import { upkeep } from "./upkeep.ts";

/** The suffix of the dead queue's name. The queue has messages of both kinds. */
const DEAD = "-dead";

/** The delay before a failed report is repeated. */
const REPORT_RETRY_SECONDS = 10;

/** A batch from the platform. Each message is acknowledged or repeated by itself. */
export async function consume(batch: QueuedBatch<RoomReport | DeliveryOrder>, given: Env): Promise<void> {
  const env = setValues(given);
  if (env.INDEX === undefined) throw new Error("a queue is bound, but no database as INDEX");
  const config = readConfig(env);
  const index = await indexOf(env.INDEX);
  const isDead = batch.queue.endsWith(DEAD);
  const work = batch.messages.map((message) => {
    const { body } = message;
    if (!("delivery" in body)) return settle(message, REPORT_RETRY_SECONDS, () => take(index, env, config, body));
    if (isDead) return settle(message, REPORT_RETRY_SECONDS, () => bury(index, body));
    return deliver(index, config, message as QueuedMessage<DeliveryOrder>);
  });
  await Promise.all(work);
  await upkeep(index, env, Date.now()).catch((error) => console.error("the index could not be kept up", error));
}

async function settle(message: QueuedMessage<unknown>, retrySeconds: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    message.ack();
  } catch (error) {
    console.error("a report was not taken", error);
    message.retry({ delaySeconds: retrySeconds });
  }
}

/**
 * Takes a room's report: writes it into the index, and orders the deliveries of its events. A repetition changes
 * nothing.
 */
async function take(index: IndexDatabase, env: Env, config: Config, report: RoomReport): Promise<void> {
  const isSent = report.events.length > 0 && env.WEBHOOKS !== undefined;
  const endpoints = isSent ? await endpointsOf(index, report.room, report.createdAt, config) : [];
  const { ids, statements } = orderStatements(index, report, endpoints);
  await index.batch([...statementsFor(index, report), ...statements]);
  measure(env, report);
  for (let from = 0; from < ids.length; from += 100) {
    await env.WEBHOOKS?.sendBatch(ids.slice(from, from + 100).map((delivery) => ({ body: { delivery } })));
  }
}

/** One attempt of one webhook. After the last one, the queue moves it to the dead queue. */
async function deliver(index: IndexDatabase, config: Config, message: QueuedMessage<DeliveryOrder>): Promise<void> {
  const { retrySeconds } = config.operators;
  const delaySeconds = retrySeconds[Math.min(message.attempts, retrySeconds.length) - 1] ?? 0;
  try {
    const delivery = await findDelivery(index, message.body.delivery);
    const { turn = 0 } = message.body;
    if (delivery?.status !== "waiting" || delivery.turn !== turn) return message.ack();
    const outcome = await attempt(delivery, config);
    await noteOutcome(index, delivery.id, Date.now(), outcome);
    if (outcome.is === "failed") message.retry({ delaySeconds });
    else message.ack();
  } catch (error) {
    console.error("a webhook was not tried", error);
    message.retry({ delaySeconds });
  }
}

/** Writes a point for each report, if Analytics Engine is bound. */
function measure(env: Env, { room, state, recent, recentMs }: RoomReport): void {
  env.ANALYTICS?.writeDataPoint({
    indexes: [room],
    blobs: [state.state],
    doubles: [state.subscribers, state.publishers, state.relays.length, recent.bytesIn, recent.messages, recentMs],
  });
}
