// A timer that can be set again and again: setting it replaces the previous setting.
import type { Environment } from "./environment.ts";

/** At most one call is pending. */
export class Timer {
  readonly #environment: Environment;
  #pending: unknown;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get isSet(): boolean {
    return this.#pending !== undefined;
  }

  /** Calls `run` once, in `ms` milliseconds. */
  set(ms: number, run: () => void): void {
    this.clear();
    this.#pending = this.#environment.setTimeout(() => {
      this.#pending = undefined;
      run();
    }, ms);
  }

  clear(): void {
    if (this.#pending !== undefined) this.#environment.clearTimeout(this.#pending);
    this.#pending = undefined;
  }
}
