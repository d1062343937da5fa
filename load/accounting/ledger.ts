// Follows one run of numbered frames: each frame arrived, was reported missing, or is lost.

/** The account of one subscriber in one run, from `first` on. */
export class Ledger {
  readonly first: number;
  /** Frames that arrived, each once. */
  frames = 0;
  /** Frames that arrived although they had arrived, or were reported missing, before. */
  duplicates = 0;
  /** Frames that were reported missing. */
  told = 0;
  /** Frames without data: the end of an epoch. */
  marks = 0;
  #position: number;
  #missing = 0;

  constructor(first = 0) {
    this.first = first;
    this.#position = first;
  }

  /** The number behind the newest frame that arrived or was reported missing. */
  get position(): number {
    return this.#position;
  }

  /** Frames below `end` that neither arrived nor were reported missing. */
  lost(end: number): number {
    return this.#missing + Math.max(0, end - this.#position);
  }

  /** A frame arrived. Returns false if it is a duplicate. */
  frame(sequence: number): boolean {
    if (sequence < this.#position) {
      this.duplicates++;
      return false;
    }
    this.frames++;
    this.#reach(sequence, sequence + 1);
    return true;
  }

  /** The end of the epoch arrived. */
  mark(sequence: number): void {
    if (sequence < this.#position) return;
    this.marks++;
    this.#reach(sequence, sequence + 1);
  }

  /** `from` to `to` were reported missing. Frames that arrived before stay counted. */
  gap(from: number, to: number): void {
    if (to < this.#position) return;
    const start = Math.max(from, this.#position);
    this.told += to + 1 - start;
    this.#reach(start, to + 1);
  }

  /** The part before `sequence` is over: frames of it that did not arrive are lost. */
  skip(sequence: number): void {
    if (sequence > this.#position) this.#reach(sequence, sequence);
  }

  #reach(from: number, next: number): void {
    this.#missing += from - this.#position;
    this.#position = next;
  }
}
