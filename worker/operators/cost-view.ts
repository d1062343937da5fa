// Usage in dollars, for the API.
import { costOf, type Prices, totalOf } from "../core/prices.ts";
import { NO_USAGE, parseUsage, type Usage } from "../core/usage.ts";

const HOUR_MS = 3_600_000;
/** A room's first seconds are too short to estimate an hour. */
const LEAST_MS = 60_000;

/** Dollars so far, by kind of usage, and per hour at the pace of the last minute or two. */
export function costView(usage: Usage, recent: Usage, recentMs: number, prices: Prices) {
  const cost = costOf(usage, prices);
  return {
    total: round(totalOf(cost)),
    perHour: round((totalOf(costOf(recent, prices)) / Math.max(recentMs, LEAST_MS)) * HOUR_MS),
    parts: Object.fromEntries(Object.entries(cost).map(([name, dollars]) => [name, round(dollars)])),
    prices: prices.date,
  };
}

/** Nanodollars are the smallest unit that is shown. */
export function round(dollars: number): number {
  return Math.round(dollars * 1e9) / 1e9;
}

/** Usage from the index. If it cannot be read, its room has no figures. */
export function readUsage(text: string | null): Usage {
  try {
    return text === null ? NO_USAGE : parseUsage(JSON.parse(text));
  } catch {
    return NO_USAGE;
  }
}
