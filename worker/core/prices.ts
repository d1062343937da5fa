// The cost of usage: a table of prices with its date, and the sum.
import type { Usage } from "./usage.ts";

/** Dollars (USD). */
export interface Prices {
  /** The day on which the prices were looked up, YYYY-MM-DD. */
  readonly date: string;
  readonly millionWorkerRequests: number;
  readonly millionObjectRequests: number;
  /** This number of incoming messages counts as one request of an object. */
  readonly messagesPerRequest: number;
  readonly millionGigabyteSeconds: number;
  readonly millionRowsWritten: number;
  readonly millionRowsRead: number;
  readonly millionQueueOperations: number;
  readonly millionIndexRowsWritten: number;
  readonly gigabyteMonthStored: number;
  readonly millionStorageWrites: number;
  readonly millionStorageReads: number;
}

/**
 * Cloudflare's public prices of the paid plan, without its included amounts. docs/operating.md has the source of each
 * price.
 */
export const PRICES: Prices = {
  date: "2026-11-26",
  millionWorkerRequests: 0.3,
  millionObjectRequests: 0.15,
  messagesPerRequest: 20,
  millionGigabyteSeconds: 12.5,
  millionRowsWritten: 1,
  millionRowsRead: 0.001,
  millionQueueOperations: 0.4,
  millionIndexRowsWritten: 1,
  gigabyteMonthStored: 0.015,
  millionStorageWrites: 4.5,
  millionStorageReads: 0.36,
};

/** A message of a queue is written, read and deleted. It also causes about three rows in the index. */
const OPERATIONS_PER_MESSAGE = 3;
const INDEX_ROWS_PER_MESSAGE = 3;

/** Every object is billed as one of 128 MB. */
const OBJECT_GIGABYTES = 0.128;
const GIGABYTE = 1e9;
const MONTH_MS = 30 * 24 * 3600 * 1000;

/** Dollars by kind of usage. */
export type Cost = Readonly<Record<"requests" | "messages" | "duration" | "rows" | "events" | "storage", number>>;

/** The cost in dollars. */
export function costOf(usage: Usage, prices: Prices): Cost {
  const million = (count: number, price: number) => (count / 1e6) * price;
  const { queueMessages } = usage;
  return {
    requests: million(usage.requests, prices.millionWorkerRequests + prices.millionObjectRequests),
    messages: million(usage.messages / prices.messagesPerRequest, prices.millionObjectRequests),
    duration: million((usage.awakeMs / 1000) * OBJECT_GIGABYTES, prices.millionGigabyteSeconds),
    rows: million(usage.rowsWritten, prices.millionRowsWritten) + million(usage.rowsRead, prices.millionRowsRead),
    events:
      million(queueMessages * OPERATIONS_PER_MESSAGE, prices.millionQueueOperations) +
      million(queueMessages * INDEX_ROWS_PER_MESSAGE, prices.millionIndexRowsWritten),
    storage:
      (usage.storedByteMs / MONTH_MS / GIGABYTE) * prices.gigabyteMonthStored +
      million(usage.storageWrites, prices.millionStorageWrites) +
      million(usage.storageReads, prices.millionStorageReads),
  };
}

export function totalOf(cost: Cost): number {
  return Object.values(cost).reduce((sum, dollars) => sum + dollars, 0);
}

/** The operator's prices, which override the table: `{"date","millionRowsWritten":...}`. Adds problems to `faults`. */
export function readPrices(text: string, faults: string[] = []): Prices {
  if (text === "") return PRICES;
  const names = Object.keys(PRICES);
  const wrong = `PRICES must be JSON with the date and any of ${names.slice(1).join(", ")}: numbers from 0`;
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    said = undefined;
  }
  if (!isPartOf(said)) {
    faults.push(wrong);
    return PRICES;
  }
  return { ...PRICES, ...said };
}

function isPartOf(said: unknown): said is Partial<Prices> {
  if (typeof said !== "object" || said === null || !("date" in said)) return false;
  return Object.entries(said).every(([name, value]) => {
    if (name === "date") return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
    const isNumber = typeof value === "number" && Number.isFinite(value) && value >= 0;
    return Object.hasOwn(PRICES, name) && isNumber && (name !== "messagesPerRequest" || value > 0);
  });
}
