// Chooses the bitrate that the connection allows: lowers it before any picture is dropped, and raises it again when
// possible. Pure.

/** An older backlog lowers the bitrate. */
const LATE_S = 0.75;
/**
 * The bitrate is lowered by this factor, at most once in this time: data that is already encoded has to leave first.
 */
const LESS = 0.7;
const LESS_EVERY_MS = 1000;
/** If the backlog stays below this for this time, the bitrate rises. */
const FREE_S = 0.4;
const FREE_FOR_MS = 3000;
const MORE = 1.15;
/**
 * At the smallest bitrate, if the backlog is older than this, pictures are skipped before they are encoded, until it is
 * small again.
 */
const SKIP_ABOVE_S = 4;
const SKIP_UNTIL_S = 1;

/** Below this, pictures are not worth sending. Bits per second. */
export const MIN_BITRATE = 150_000;

/** The encoder's settings. */
export interface Rate {
  /** Bits per second of the pictures. */
  readonly bitrate: number;
  /** Pictures are skipped before they are encoded. */
  readonly isSkipping: boolean;
}

/** Follows one publisher. */
export class RateControl {
  #max: number;
  #bitrate: number;
  #isSkipping = false;
  #lessAt = Number.NEGATIVE_INFINITY;
  #freeSince: number | undefined;

  /** `max`: the user's limit, bits per second. */
  constructor(max: number) {
    this.#max = this.#bitrate = max;
  }

  get rate(): Rate {
    return { bitrate: this.#bitrate, isSkipping: this.#isSkipping };
  }

  /** Changes the limit; it is tried at once. */
  setMax(max: number): Rate {
    this.#max = this.#bitrate = max;
    this.#freeSince = undefined;
    return this.rate;
  }

  /** `backlogSeconds`: the part of the stream that is written and not acknowledged. Call this a few times a second. */
  update(backlogSeconds: number, now: number): Rate {
    if (backlogSeconds > LATE_S) this.#less(backlogSeconds, now);
    else if (backlogSeconds < FREE_S) this.#more(now);
    else this.#freeSince = undefined;
    if (backlogSeconds < SKIP_UNTIL_S) this.#isSkipping = false;
    return this.rate;
  }

  #less(backlogSeconds: number, now: number): void {
    this.#freeSince = undefined;
    if (this.#bitrate <= MIN_BITRATE) this.#isSkipping ||= backlogSeconds > SKIP_ABOVE_S;
    if (now - this.#lessAt < LESS_EVERY_MS) return;
    this.#lessAt = now;
    this.#bitrate = Math.max(Math.min(MIN_BITRATE, this.#max), Math.round(this.#bitrate * LESS));
  }

  #more(now: number): void {
    this.#freeSince ??= now;
    if (now - this.#freeSince < FREE_FOR_MS) return;
    this.#freeSince = now;
    this.#bitrate = Math.min(this.#max, Math.round(this.#bitrate * MORE));
  }
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** The window over which the pace of writing is averaged. */
const PACE_WINDOW_MS = 2000;
/** The minimum pace, because there is no history at the start. Bytes per second. */
const MIN_PACE = 4096;

/** Converts a buffer into seconds of the stream, by the pace at which it is written. */
export class Backlog {
  #samples: Sample[] = [];

  /** `written`: all bytes since the start; `buffered`: the waiting bytes, in the same unit. */
  seconds(written: number, buffered: number, now: number): number {
    this.#samples = [...this.#samples.filter(({ at }) => now - at <= PACE_WINDOW_MS), { at: now, bytes: written }];
    const [first] = this.#samples;
    const elapsed = now - (first?.at ?? now);
    const pace = elapsed === 0 ? 0 : ((written - (first?.bytes ?? written)) * 1000) / elapsed;
    return buffered / Math.max(pace, MIN_PACE);
  }
}
