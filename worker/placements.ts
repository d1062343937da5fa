// The placements that large rooms gave to this isolate, for as long as they are valid, so that a join asks no room.
import { ASK_AGAIN_MS } from "./core/growth-limits.ts";
import { choose, type Placement, without } from "./core/placement.ts";
import type { Region } from "./core/region.ts";

interface Known {
  placement: Placement;
  /** ms since 1970. */
  until: number;
  /** Newcomers that were not reported to the room yet. */
  newcomers: number;
  /** Relays that refused newcomers, not reported to the room yet. */
  refused: string[];
  /** If all relays of the answer refused, the room is not asked again before this time. */
  askAgainAt: number;
  /** Set while a question to the room is on its way. Other newcomers wait for its answer. */
  asking: Promise<void> | undefined;
}

/**
 * The report to the room in a question: the number of newcomers since the last one, and the relays that refused some.
 */
export interface News {
  readonly newcomers: number;
  readonly refused: readonly string[];
}

/** Call `asked` when the room has answered, or will not. `isHeard`: it took the report. */
export interface Question extends News {
  readonly do: "ask";
  readonly asked: (isHeard: boolean) => void;
}

/** The next step of a newcomer: go to a relay; ask the room, with the report; or wait, and look again. */
export type Advice =
  | { readonly do: "go"; readonly relay: string }
  | Question
  | { readonly do: "wait"; readonly for: Promise<unknown> };

/** Above it, the oldest placement is forgotten, and the room is asked again. */
const MAX_KNOWN = 1000;

/**
 * The rooms' placements in this isolate. One newcomer of a large room asks it for all that arrive meanwhile. Times are
 * ms since 1970.
 */
export class Placements {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #sleep: (ms: number) => Promise<unknown>;

  /** `random` returns numbers in [0, 1). */
  constructor(now: () => number, random: () => number, sleep: (ms: number) => Promise<unknown>) {
    this.#now = now;
    this.#random = random;
    this.#sleep = sleep;
  }

  /** `isCounted`: the room knows this newcomer. `mustAsk`: only the room can validate its credential. */
  advise(room: string, region: Region, isCounted: boolean, mustAsk: boolean): Advice {
    const key = keyOf(room, region);
    const known = this.#known.get(key);
    if (known === undefined) return { do: "ask", newcomers: isCounted ? 0 : 1, refused: [], asked: () => {} };
    if (mustAsk) return this.#ask(key, known, isCounted);
    const isFresh = this.#now() < known.until;
    const relay = isFresh ? choose(known.placement, this.#random) : undefined;
    if (relay !== undefined) return { do: "go", relay };
    if (known.asking !== undefined) return { do: "wait", for: known.asking };
    // The room said that there is no place yet.
    const isHeld = isFresh && known.placement.relays.length === 0;
    if (isHeld) return { do: "wait", for: this.#sleep(known.until - this.#now()) };
    return this.#ask(key, known, isCounted);
  }

  /** A relay took a newcomer that was not reported to the room. A refused newcomer is not counted. */
  admitted(room: string, region: Region): void {
    const known = this.#known.get(keyOf(room, region));
    if (known !== undefined) known.newcomers++;
  }

  /** The room's answer. */
  learn(room: string, region: Region, placement: Placement): void {
    const key = keyOf(room, region);
    const { newcomers = 0, refused = [], asking } = this.#known.get(key) ?? {};
    this.#known.delete(key);
    const [oldest] = this.#known.size >= MAX_KNOWN ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    const now = this.#now();
    const [until, askAgainAt] = [now + placement.freshMs, now + ASK_AGAIN_MS];
    this.#known.set(key, { placement, until, newcomers, refused, askAgainAt, asking });
  }

  /** The room serves newcomers itself. */
  forget(room: string, region: Region): void {
    this.#known.delete(keyOf(room, region));
  }

  /** The relay is full. The other relays are tried first. Then the room is asked, but not again at once. */
  refused(room: string, region: Region, relay: string): void {
    const known = this.#known.get(keyOf(room, region));
    if (known === undefined) return;
    known.placement = without(known.placement, relay);
    if (!known.refused.includes(relay)) known.refused.push(relay);
    if (known.placement.relays.length === 0) known.until = known.askAgainAt;
  }

  #ask(key: string, known: Known, isCounted: boolean): Question {
    const { newcomers, refused } = known;
    known.newcomers = 0;
    known.refused = [];
    let done = (): void => {};
    const asking = new Promise<void>((resolve) => {
      done = resolve;
    });
    known.asking = asking;
    return {
      do: "ask",
      newcomers: newcomers + (isCounted ? 0 : 1),
      refused,
      asked: (isHeard) => {
        const current = this.#known.get(key);
        if (current?.asking === asking) current.asking = undefined;
        // The asking newcomer was refused, or the room did not answer, so the next question contains the report again.
        if (current !== undefined && !isHeard) {
          current.newcomers += newcomers;
          current.refused = [...new Set([...current.refused, ...refused])];
        }
        done();
      },
    };
  }
}

function keyOf(room: string, region: Region): string {
  return `${room} ${region}`;
}
