// What wakes a room again: a timer while it is in memory, an alarm while it may sleep.

/** One timer, for what the core waits for next; none while nothing waits, so that the room can sleep. */
export class Timer {
  readonly #run: () => void;
  #pending: { readonly at: number; readonly handle: ReturnType<typeof setTimeout> } | undefined;

  constructor(run: () => void) {
    this.#run = run;
  }

  /** Runs at `at` (ms since 1970), and at no other time that was set before; undefined: not at all. */
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

/** The object's one alarm. Each `setAlarm` is a row written, so it is only ever moved forward, to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** After sleep: what is set. */
  async load(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** Would `by(at)` write? */
  isAfter(at: number | undefined): boolean {
    return at !== undefined && (this.#at === null || this.#at > at);
  }

  /** It shall ring at `at` (ms since 1970) or before; undefined: nothing is wanted. Where that fails, the next call tries again. */
  by(at: number | undefined): void {
    if (at === undefined || !this.isAfter(at)) return;
    this.#at = at;
    this.#storage.setAlarm(at).catch(() => {
      if (this.#at === at) this.#at = null;
    });
  }

  /** It rang: none is set now. */
  rang(): void {
    this.#at = null;
  }
}
