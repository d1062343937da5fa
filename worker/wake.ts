// Wakes a room: a timer while it is in memory, an alarm while it may sleep.

/** One timer for the core's next action. While nothing waits, there is no timer, so the room can sleep. */
export class Timer {
  readonly #run: () => void;
  #pending: { readonly at: number; readonly handle: ReturnType<typeof setTimeout> } | undefined;

  constructor(run: () => void) {
    this.#run = run;
  }

  /** Runs at `at` (ms since 1970), which replaces any earlier setting; undefined: not at all. */
  set(at: number | undefined): void {
    if (at === this.#pending?.at) return;
    if (this.#pending !== undefined) clearTimeout(this.#pending.handle);
    this.#pending = undefined;
    if (at === undefined) return;
    const handle = setTimeout(
      () => {
        this.#pending = undefined;
        this.#run();
      },
      Math.max(0, at - Date.now()),
    );
    this.#pending = { at, handle };
  }
}

/** The object's single alarm. Each `setAlarm` writes a row, so the alarm is only ever moved to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** After sleep: loads the alarm that is set. */
  async load(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** Returns true if `by(at)` would write. */
  isAfter(at: number | undefined): boolean {
    return at !== undefined && (this.#at === null || this.#at > at);
  }

  /**
   * Makes sure that the alarm rings at `at` (ms since 1970) or before; undefined: no alarm is needed. If this fails,
   * the next call tries again. Returns true if it writes a row.
   */
  by(at: number | undefined): boolean {
    if (at === undefined || !this.isAfter(at)) return false;
    this.#at = at;
    this.#storage.setAlarm(at).catch(() => {
      if (this.#at === at) this.#at = null;
    });
    return true;
  }

  /** The alarm rang, so none is set now. */
  rang(): void {
    this.#at = null;
  }
}
