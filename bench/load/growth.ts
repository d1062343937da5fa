// Measures how much a process grows during an action.
import { residentBytes } from "../targets/process.ts";

const SAMPLE_MS = 20;
/** A target that grows this much is ended: it has failed, and the machine has other work. */
const GIVE_UP_BYTES = 1024 * 1024 * 1024;

/** Samples the resident memory of a process until it is stopped. */
export class Growth implements Disposable {
  /** Resident bytes at the beginning, and the maximum since. */
  idleBytes = 0;
  peakBytes = 0;
  /** The process was ended. */
  isGivenUp = false;
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#pid = pid;
    this.begin();
    this.#timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  /** Begins again: the current size is the idle size. */
  begin(): void {
    this.idleBytes = residentBytes(this.#pid);
    this.peakBytes = this.idleBytes;
  }

  /** The idle size is that of another process. */
  beginAt(idleBytes: number): void {
    this.idleBytes = idleBytes;
    this.peakBytes = idleBytes;
  }

  get bytes(): number {
    return this.peakBytes - this.idleBytes;
  }

  sample(): void {
    if (this.isGivenUp) return;
    this.peakBytes = Math.max(this.peakBytes, residentBytes(this.#pid));
    if (this.bytes < GIVE_UP_BYTES) return;
    this.isGivenUp = true;
    process.kill(this.#pid, "SIGKILL");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
