// The answers of the operators' API: rows of the index in the form of the schemas.
import type { RoomState } from "../core/events.ts";
import type { Prices } from "../core/prices.ts";
import { costOf, totalOf } from "../core/prices.ts";
import { minus, NO_USAGE } from "../core/usage.ts";
import { costView, readUsage, round } from "./cost-view.ts";
import type { Delivery } from "./deliveries.ts";
import type { IndexRow, Sample, UsageRow } from "./room-index.ts";

/** A room that has not reported for this long is asleep, or gone: its recent figures are out of date. */
const FRESH_MS = 150_000;

export function roomOfRow(row: IndexRow, now: number, prices: Prices) {
  const state = JSON.parse(row.state) as RoomState;
  const isFresh = row.status === "open" && now - row.at < FRESH_MS;
  const recent = isFresh ? readUsage(row.recent) : NO_USAGE;
  const recentMs = Math.max(1, row.recent_ms);
  const { total, perHour } = costView(readUsage(row.usage), recent, recentMs, prices);
  return {
    room: row.room,
    title: state.title,
    state: row.status,
    public: state.public,
    createdAt: row.created_at,
    seenAt: row.at,
    number: row.number,
    subscribers: state.subscribers,
    publishers: state.publishers,
    sources: state.sources.map(({ track, online, format }) => ({ track, online, format })),
    relays: state.relays.length,
    closed: state.closed,
    bytesPerSecondIn: Math.round((recent.bytesIn / recentMs) * 1000),
    cost: { total, perHour },
  };
}

/** A room's usage on one day: the sum up to its end, minus the sum of the previous day. */
export function usageOfRow(row: UsageRow, prices: Prices) {
  const used = minus(readUsage(row.usage), readUsage(row.before));
  return {
    room: row.room,
    createdAt: row.created_at,
    day: row.day,
    usage: used,
    cost: round(totalOf(costOf(used, prices))),
  };
}

export function deliveryOfRow({ created_at: createdAt, tried_at: triedAt, body: _, turn: __, ...row }: Delivery) {
  return { ...row, createdAt, triedAt };
}

export function sampleOfRow({ minute, subscribers, bytes_per_second: bytesPerSecondIn }: Sample) {
  return { minute, subscribers, bytesPerSecondIn };
}
