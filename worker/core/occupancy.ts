// Who is there, told at most so often: a change is told at once, further ones are gathered.

/** The numbers of a room's connections. */
export interface Count {
  readonly subscribers: number;
  readonly publishers: number;
}

/** Decides when a change is told. */
export class Occupancy {
  readonly #everyMs: number;
  #told: Count = { subscribers: 0, publishers: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** When `count` is to be told; undefined: it is known. ms since 1970. */
  dueAt(count: Count): number | undefined {
    const same = count.subscribers === this.#told.subscribers && count.publishers === this.#told.publishers;
    return same ? undefined : this.#toldAt + this.#everyMs;
  }

  /** `count` was told; after sleep: is known. */
  told(count: Count, now: number): void {
    this.#told = count;
    this.#toldAt = now;
  }
}
