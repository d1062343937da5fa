// A clock for thousands of clients: timers in a heap, and time that passes in steps of a millisecond.
import { settle } from "./fake.ts";

interface VirtualTimer {
  readonly at: number;
  run: (() => void) | undefined;
}

/** Milliseconds since 1970. Everything due in a millisecond runs before the next one begins, including promises. */
export class VirtualClock {
  #time = 1_800_000_000_000;
  /** A binary heap, the earliest first. */
  readonly #timers: VirtualTimer[] = [];

  now(): number {
    return this.#time;
  }

  setTimeout(run: () => void, ms: number): VirtualTimer {
    const timer = { at: this.#time + Math.ceil(ms), run };
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    (timer as VirtualTimer).run = undefined;
  }

  /** Lets time pass until `isDone`, at most `ms`. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const end = this.#time + ms;
    await settle();
    while (!isDone()) {
      const next = this.#timers[0]?.at ?? Number.POSITIVE_INFINITY;
      if (next > end) break;
      this.#time = next;
      while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= next) this.#take()?.run?.();
      await settle();
    }
    if (!isDone()) this.#time = end;
  }

  #take(): VirtualTimer | undefined {
    const first = this.#timers[0];
    const last = this.#timers.pop();
    if (last !== undefined && last !== first) {
      this.#timers[0] = last;
      this.#sink();
    }
    return first;
  }

  #rise(from: number): void {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (this.#at(parent) <= this.#at(index)) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #sink(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const child = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(child) >= this.#at(index)) return;
      this.#swap(child, index);
      index = child;
    }
  }

  #at(index: number): number {
    return this.#timers[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#timers[one], this.#timers[other]];
    if (first === undefined || second === undefined) return;
    this.#timers[one] = second;
    this.#timers[other] = first;
  }
}
