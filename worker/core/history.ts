// The bounded past of one track: what joins, resumes and lagging subscribers are served from.
import { type Batch, mergeBatches } from "./batch.ts";

/** Payloads of blocks that several plain subscribers are about to read. */
const PAYLOAD_CACHE_BYTES = 2 * 1024 * 1024;

/** Consecutive batches of one epoch. The newest frame is always in it. */
export class History {
  #blockBytes: number;
  #batches: Batch[] = [];
  /** Index of the oldest batch: dropping it moves nothing. */
  #head = 0;
  #bytes = 0;
  readonly #payloads = new Map<Batch, Uint8Array>();
  #payloadBytes = 0;
  /** The newest frame that a newcomer can start at; it may have left history since. */
  #groupStart: number | undefined;

  /** Small batches that are read together become one of at most `blockBytes`, once, for all who read them. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** From now on blocks are at most so large; those that are there stay as they are. */
  mergeUpTo(blockBytes: number): void {
    this.#blockBytes = blockBytes;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the epoch so far. */
  get end(): number {
    const newest = this.#batches.at(-1);
    return newest === undefined ? 0 : newest.offset + newest.bytes.byteLength;
  }

  /** The oldest sequence in it. */
  get first(): number | undefined {
    return this.#batches[this.#head]?.first;
  }

  /** Where the newest group starts, if all of it is here. */
  get groupStart(): number | undefined {
    const { first } = this;
    return first !== undefined && this.#groupStart !== undefined && this.#groupStart >= first
      ? this.#groupStart
      : undefined;
  }

  /** Adds the batch that follows; `groupStart`: where the newest group starts now. */
  append(batch: Batch, groupStart: number | undefined): void {
    this.#batches.push(batch);
    this.#bytes += batch.cost;
    this.#groupStart = groupStart;
  }

  /**
   * The longest run from `sequence` on that goes into one message, or undefined where `sequence` is not in history.
   * What is small is merged in place, so that the next who asks for the same finds it made.
   */
  read(sequence: number): Batch | undefined {
    const index = this.#find(sequence);
    const batch = this.#batches[index];
    if (batch === undefined) return undefined;
    if (batch.first < sequence) return batch.from(sequence);
    let end = index + 1;
    let size = batch.bytes.byteLength;
    let follows = batch.next;
    for (let next = this.#batches[end]; next?.first === follows; next = this.#batches[++end]) {
      size += next.bytes.byteLength;
      if (size > this.#blockBytes) break;
      follows = next.next;
    }
    if (end === index + 1) return batch;
    const parts = this.#batches.slice(index, end);
    const block = mergeBatches(parts);
    this.#batches.splice(index, parts.length, block);
    this.#bytes += block.cost - parts.reduce((sum, part) => sum + part.cost, 0);
    return block;
  }

  /** `batch.payload()`, made once for all who ask for it about the same time. */
  payload(batch: Batch): Uint8Array {
    if (batch.frames.length === 1) return batch.payload();
    const made = this.#payloads.get(batch) ?? batch.payload();
    if (this.#payloads.has(batch)) return made;
    this.#payloads.set(batch, made);
    this.#payloadBytes += made.byteLength;
    for (const [oldest, payload] of this.#payloads) {
      if (this.#payloadBytes <= PAYLOAD_CACHE_BYTES) break;
      this.#payloads.delete(oldest);
      this.#payloadBytes -= payload.byteLength;
    }
    return made;
  }

  /** Bytes from `sequence` to the newest frame, to the precision of a batch. */
  bytesFrom(sequence: number): number {
    return this.end - (this.#batches[this.#find(sequence)]?.offset ?? this.end);
  }

  /** The start of the group that was current at `time`, else of the oldest group that is here. */
  groupAt(time: number): number | undefined {
    let start: number | undefined;
    for (let index = this.#head; index < this.#batches.length; index++) {
      const batch = this.#batches[index];
      if (batch === undefined || (start !== undefined && batch.receivedAt > time)) break;
      start = batch.receivedAt > time ? batch.keyAtOrAfter(batch.first) : (batch.keyAtOrBefore(batch.next) ?? start);
    }
    return start ?? this.groupStart;
  }

  /** Drops what is older than `time`, no part of the newest group, and below `needed`. */
  dropBefore(time: number, needed: number): void {
    for (;;) {
      const oldest = this.#batches[this.#head];
      if (oldest === undefined || oldest.receivedAt >= time) return;
      if (this.#groupStart !== undefined && oldest.next > this.#groupStart) return;
      if (!this.dropOldest(needed)) return;
    }
  }

  /** Drops the oldest batch, unless it is the only one or goes on beyond `needed`: answers whether it did. */
  dropOldest(needed: number): boolean {
    const oldest = this.#batches[this.#head];
    if (oldest === undefined || this.#head + 1 === this.#batches.length || oldest.next > needed) return false;
    this.#bytes -= oldest.cost;
    delete this.#batches[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  #find(sequence: number): number {
    let low = this.#head;
    let high = this.#batches.length - 1;
    const newest = this.#batches[high];
    if (newest === undefined || sequence >= newest.next) return -1;
    if (sequence >= newest.first) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle]?.next ?? 0) > sequence) high = middle;
      else low = middle + 1;
    }
    return (this.#batches[low]?.first ?? Number.POSITIVE_INFINITY) <= sequence ? low : -1;
  }
}
