// The cost of a load: the difference of the room's cost before and after.
import { Failure } from "./failure.ts";

/** The room's cost up to now. */
export interface CostSoFar {
  readonly dollars: number;
  readonly subscriberHours: number;
  /** The date of the table of prices. */
  readonly prices: string;
}

/** The cost of the load, as JSON. */
export interface LoadCost {
  readonly dollars: number;
  readonly viewerHours: number;
  /** null: there were no viewers. */
  readonly dollarsPer1000ViewerHours: number | null;
  readonly prices: string;
}

const ANSWER_MS = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Asks the room; undefined: the token has no right to know. Throws `Failure` if `isWanted` and the cost is unavailable.
 */
export async function costSoFar(
  url: string,
  room: string,
  token: string,
  isWanted: boolean,
): Promise<CostSoFar | undefined> {
  try {
    const response = await fetch(new URL(`/api/rooms/${room}`, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { cost, code = "no code" } = (await response.json()) as Answer;
    if (cost !== undefined) {
      const { total: dollars, usage, prices } = cost;
      return { dollars, subscriberHours: usage.subscriberMs / HOUR_MS, prices };
    }
    throw new Failure(`the room did not report its cost: ${code}`);
  } catch (error) {
    if (isWanted) throw error instanceof Failure ? error : new Failure(`the room's cost is unknown: ${error}`);
    return undefined;
  }
}

export function costBetween(before: CostSoFar, after: CostSoFar): LoadCost {
  // An object that restarted meanwhile may have lost some counts.
  const dollars = Math.max(0, after.dollars - before.dollars);
  const viewerHours = Math.max(0, after.subscriberHours - before.subscriberHours);
  return {
    dollars: rounded(dollars),
    viewerHours: rounded(viewerHours),
    dollarsPer1000ViewerHours: viewerHours === 0 ? null : rounded((dollars / viewerHours) * 1000),
    prices: after.prices,
  };
}

function rounded(number: number): number {
  return Number(number.toPrecision(4));
}

interface Answer {
  readonly code?: string;
  readonly cost?: {
    readonly total: number;
    readonly prices: string;
    readonly usage: { readonly subscriberMs: number };
  };
}
