// The periodic upkeep of the index: deletes old data, asks silent rooms, sends lost webhooks again.
import type { Env } from "../env.ts";
import { roomOf } from "../room-stub.ts";
import { overdue } from "./deliveries.ts";
import type { IndexDatabase } from "./index-database.ts";
import { gone, silentRooms, statementsFor } from "./room-index.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The data that is deleted, and its age in ms. */
const KEPT: readonly (readonly [statement: string, ms: number])[] = [
  ["DELETE FROM samples WHERE minute < ?", HOUR_MS + 600_000],
  ["DELETE FROM deliveries WHERE at < ?", 7 * DAY_MS],
  ["DELETE FROM rooms WHERE status <> 'open' AND at < ?", 90 * DAY_MS],
  ["DELETE FROM usage WHERE at < ?", 400 * DAY_MS],
  ["DELETE FROM webhooks WHERE set_at < ? AND room NOT IN (SELECT room FROM rooms WHERE status = 'open')", DAY_MS],
];

/** An open room that has been silent for this time is asked: it sleeps, or the queue has lost its report. */
const SILENCE_MS = DAY_MS;
const MOST_ROOMS = 50;

/** A webhook that was not tried for this time is no longer in the queue: no pause between two attempts is longer. */
const OVERDUE_MS = 13 * HOUR_MS;
const MOST_WEBHOOKS = 100;

/** The interval of an isolate's upkeep. */
const UPKEEP_MS = 600_000;

let doneAt = 0;

/** `index` must have its tables. */
export async function upkeep(index: IndexDatabase, env: Env, now: number): Promise<void> {
  if (now - doneAt < UPKEEP_MS) return;
  doneAt = now;
  await index.batch(KEPT.map(([statement, ms]) => index.prepare(statement).bind(now - ms)));
  await ask(index, env, now);
  const lost = await overdue(index, now - OVERDUE_MS, MOST_WEBHOOKS);
  if (lost.length > 0) await env.WEBHOOKS?.sendBatch(lost.map((body) => ({ body })));
}

/** Without reports, no room is asked. */
async function ask(index: IndexDatabase, env: Env, now: number): Promise<void> {
  if (env.EVENTS === undefined) return;
  const silent = await silentRooms(index, now - SILENCE_MS, MOST_ROOMS);
  const answers = await Promise.allSettled(silent.map(async ({ room }) => roomOf(env, room).report()));
  const statements = silent.flatMap((row, place) => {
    const answer = answers[place];
    // A room that cannot be asked now is asked the next time.
    if (answer?.status !== "fulfilled") return [];
    return answer.value === undefined ? [gone(index, row, now)] : statementsFor(index, answer.value);
  });
  if (statements.length > 0) await index.batch(statements);
}
