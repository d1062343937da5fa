// Webhooks: the receivers of each event, the results, and the attempts.
import type { Config } from "../config.ts";
import type { RoomEvent } from "../core/events.ts";
import type { RoomReport } from "../core/journal.ts";
import type { IndexDatabase } from "./index-database.ts";
import { indexOf } from "./schema.ts";
import { addressObjection } from "./webhook-address.ts";
import { secretOf, signed } from "./webhook-signature.ts";

/**
 * A message in the queue of webhooks: the delivery's id, and the number of times that somebody had it sent again. A
 * message of an earlier turn may arrive late.
 */
export interface DeliveryOrder {
  readonly delivery: string;
  readonly turn?: number;
}

/** `waiting`: it will be tried, or tried again. `dead`: it is tried again only on request. */
export type DeliveryStatus = "waiting" | "delivered" | "dead";

/** A delivery in the index. Times are ms since 1970. */
export interface Delivery {
  readonly id: string;
  readonly at: number;
  readonly room: string;
  readonly created_at: number;
  readonly type: string;
  /** The owner of the signing secret: the operator, or the room. */
  readonly owner: "operator" | "room";
  readonly url: string;
  readonly body: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly tried_at: number | null;
  readonly answer: string | null;
  readonly turn: number;
}

/** A receiver of events. */
interface Endpoint {
  readonly owner: Delivery["owner"];
  readonly url: string;
}

/** The time for a receiver to answer. */
const ANSWER_MS = 10_000;
const MAX_ANSWER_CHARS = 200;

/** The result of an attempt. */
export type Outcome =
  | { readonly is: "delivered"; readonly answer: string }
  | { readonly is: "failed" | "refused"; readonly answer: string };

/** The receivers of a room's events. */
export async function endpointsOf(
  index: IndexDatabase,
  room: string,
  createdAt: number,
  config: Config,
): Promise<Endpoint[]> {
  const own = await index
    .prepare("SELECT url FROM webhooks WHERE room = ? AND created_at = ?")
    .bind(room, createdAt)
    .first<{ url: string }>();
  const ofOperator = config.operators.webhookUrls.map((url): Endpoint => ({ owner: "operator", url }));
  return own === null ? ofOperator : [...ofOperator, { owner: "room", url: own.url }];
}

/** Adds deliveries for the events of a report. Existing ones stay unchanged. */
export function orderStatements(index: IndexDatabase, report: RoomReport, endpoints: readonly Endpoint[]) {
  const ids: string[] = [];
  const statements = report.events.flatMap((event) =>
    endpoints.map(({ owner, url }, place) => {
      const id = `${eventId(report, event)}-${place}`;
      ids.push(id);
      return index
        .prepare(
          `INSERT OR IGNORE INTO deliveries (id, at, room, created_at, type, owner, url, body, status)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')`,
        )
        .bind(id, event.at, report.room, report.createdAt, event.type, owner, url, bodyOf(report, event));
    }),
  );
  return { ids, statements };
}

/**
 * The id of an event, the same for each report of it. It has no full stop, which would be read as a part of the signed
 * text.
 */
export function eventId({ room, createdAt }: RoomReport, { number }: RoomEvent): string {
  return `evt_${room}_${createdAt.toString(36)}_${number}`;
}

function bodyOf({ room, createdAt }: RoomReport, { type, at, ...event }: RoomEvent): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data: { room, createdAt, at, ...event } });
}

export async function findDelivery(database: IndexDatabase, id: string): Promise<Delivery | null> {
  const index = await indexOf(database);
  return index.prepare("SELECT * FROM deliveries WHERE id = ?").bind(id).first<Delivery>();
}

/** Records the result of an attempt. */
export async function noteOutcome(index: IndexDatabase, id: string, now: number, outcome: Outcome): Promise<void> {
  const status: DeliveryStatus =
    outcome.is === "delivered" ? "delivered" : outcome.is === "refused" ? "dead" : "waiting";
  await index
    .prepare("UPDATE deliveries SET status = ?, attempts = attempts + 1, tried_at = ?, answer = ? WHERE id = ?")
    .bind(status, now, outcome.answer, id)
    .run();
}

/** Sends it again on request. null: it does not exist. */
export async function renew(index: IndexDatabase, id: string): Promise<DeliveryOrder | null> {
  const text = "UPDATE deliveries SET status = 'waiting', turn = turn + 1 WHERE id = ? RETURNING id AS delivery, turn";
  return index.prepare(text).bind(id).first<DeliveryOrder>();
}

/** Waiting deliveries that were not tried since `before`. */
export async function overdue(index: IndexDatabase, before: number, limit: number): Promise<DeliveryOrder[]> {
  const text = `SELECT id AS delivery, turn FROM deliveries WHERE status = 'waiting' AND COALESCE(tried_at, at) < ? LIMIT ?`;
  const { results } = await index.prepare(text).bind(before, limit).all<DeliveryOrder>();
  return results;
}

/** It is not tried again. */
export async function bury(index: IndexDatabase, { delivery, turn = 0 }: DeliveryOrder): Promise<void> {
  const text = "UPDATE deliveries SET status = 'dead' WHERE id = ? AND turn = ? AND status = 'waiting'";
  await index.prepare(text).bind(delivery, turn).run();
}

/** One attempt. Redirects are not followed, because their targets were not configured. */
export async function attempt(delivery: Delivery, config: Config): Promise<Outcome> {
  const { addresses } = config.operators;
  try {
    const objection = await addressObjection(delivery.url, addresses);
    if (objection !== undefined) return { is: objection.isFinal ? "refused" : "failed", answer: objection.text };
    const id = delivery.id.replace(/-\d+$/, "");
    const headers = await signed(id, Math.floor(Date.now() / 1000), delivery.body, await secretsOf(delivery, config));
    const answer = await fetch(delivery.url, {
      method: "POST",
      redirect: "manual",
      headers: { ...headers, "content-type": "application/json", "user-agent": "Roomcast" },
      body: delivery.body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer.body?.cancel();
    if (answer.ok) return { is: "delivered", answer: String(answer.status) };
    const isRedirect = answer.status >= 300 && answer.status < 400;
    // Gone: the receiver wants no more events.
    const is = answer.status === 410 ? "refused" : "failed";
    return { is, answer: isRedirect ? `${answer.status}: redirects are not followed` : String(answer.status) };
  } catch (error) {
    return { is: "failed", answer: String(error instanceof Error ? error.message : error).slice(0, MAX_ANSWER_CHARS) };
  }
}

/** During a rotation, both secrets sign. */
async function secretsOf({ owner, room, created_at }: Delivery, config: Config): Promise<readonly string[]> {
  if (owner === "operator") return config.operators.webhookSecrets;
  return Promise.all(config.secrets.map((secret) => secretOf(room, created_at, secret)));
}

/** The requested deliveries: the newest first, after `before`. */
export interface DeliveryQuery {
  readonly room: string | undefined;
  readonly status: DeliveryStatus | undefined;
  readonly before: readonly [at: number, id: string];
  readonly limit: number;
}

export async function listDeliveries(database: IndexDatabase, query: DeliveryQuery): Promise<Delivery[]> {
  const index = await indexOf(database);
  const conditions = ["(at, id) < (?, ?)"];
  const values: (string | number)[] = [...query.before];
  for (const name of ["room", "status"] as const) {
    const value = query[name];
    if (value === undefined) continue;
    conditions.push(`${name} = ?`);
    values.push(value);
  }
  const text = `SELECT * FROM deliveries WHERE ${conditions.join(" AND ")} ORDER BY at DESC, id DESC LIMIT ?`;
  const { results } = await index
    .prepare(text)
    .bind(...values, query.limit)
    .all<Delivery>();
  return results;
}
