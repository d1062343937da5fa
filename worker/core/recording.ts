// A growing recording: frames become segments, segments wait in the spool, and a row shows that a segment is stored.
import { Flag } from "../../protocol/frame.ts";
import type { Position } from "../../protocol/position.ts";
import type { RecordedGapReason } from "../../protocol/recording.ts";
import { type Cut, Cutter, costOf, type IncomingFrame } from "./cutter.ts";
import { earliest } from "./earliest.ts";
import type { Intake } from "./recorder-feed.ts";
import { formatObjectName } from "./recorder-id.ts";
import { kindOf } from "./recording-kind.ts";
import type { RecordingRows } from "./recording-rows.ts";
import { Spool } from "./spool.ts";
import { areEqual, namesOf, needsInit, type StoreOrder } from "./store-order.ts";

/** Its actions outside the core. None of them throws. */
export interface RecordingShell {
  /** Stores; `stored` or `notStored` follows. */
  store(order: StoreOrder): void;
  /** 8 or more characters of [a-z0-9] that were never used before. */
  nonce(): string;
  /** At least 0 and below 1. */
  random(): number;
}

/** After this time without a frame, the remaining frames become a segment: the next one may come much later. */
const QUIET_MS = 5000;

/** Frames are skipped up to the beginning of a group. */
interface Skip {
  /** The first skipped frame; null: none yet. */
  since: Position | null;
  /** True if it is a gap: erased data is not. */
  readonly isGap: boolean;
}

/** Times are ms since 1970. */
export class Recording {
  readonly #rows: RecordingRows;
  readonly #shell: RecordingShell;
  readonly #maxBytes: () => number;
  readonly #cutter = new Cutter();
  readonly #spool = new Spool();
  /** The init that was stored last, with the id of its row. */
  #init: { readonly id: number; readonly bytes: Uint8Array } | undefined;
  #order: StoreOrder | undefined;
  #skip: Skip | undefined;
  /** The first received frame. */
  #first: Position | undefined;
  /** When the last frame arrived. */
  #heardAt = 0;
  #isOnline: boolean;

  /** `maxBytes`: the memory for unstored data. */
  constructor(rows: RecordingRows, shell: RecordingShell, isOnline: boolean, maxBytes: () => number) {
    this.#rows = rows;
    this.#shell = shell;
    this.#isOnline = isOnline;
    this.#maxBytes = maxBytes;
  }

  /** True if the track has a source, as far as known. */
  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** The first frame received since the object is in memory. */
  get first(): Position | undefined {
    return this.#first;
  }

  /** Memory of unstored data. */
  get bytes(): number {
    return this.#spool.bytes + this.#cutter.costBytes;
  }

  /** True if all received data is stored. */
  get isSettled(): boolean {
    return this.#spool.isEmpty && this.#cutter.isEmpty;
  }

  /** Names of objects that are being stored. */
  get onTheWay(): string[] {
    return this.#order === undefined ? [] : namesOf(this.#order);
  }

  /** Takes the data of the link. `park`: called when the link should end. */
  intake(park: () => void): Intake {
    return {
      frame: (now, epoch, frame) => this.#frame(now, epoch, frame),
      init: (payload) => this.#cutter.learnInit(payload),
      gap: (now, epoch, from, to, reason) => this.#gap(now, epoch, from, to, reason),
      epoch: (now, format, before) => this.#epoch(now, format, before),
      format: (format) => {
        this.#cutter.format = format;
      },
      source: (now, isOnline) => this.#source(now, isOnline),
      park: (now) => {
        this.#flush(now);
        park();
      },
    };
  }

  /** Returns false if the data is no longer wanted: its objects have to be deleted. */
  stored(now: number, order: StoreOrder, sha256: string): boolean {
    const head = this.#spool.head;
    const isWanted = this.#order === order && head?.is === "segment";
    if (this.#order === order) this.#order = undefined;
    if (!isWanted) return false;
    const { cut } = head;
    const { init } = order;
    if (init !== undefined)
      this.#init = { id: this.#rows.addInit(init.name, init.bytes.byteLength), bytes: init.bytes };
    const kind = kindOf(cut.format, cut.init);
    const initId = needsInit(cut) ? (this.#init?.id ?? null) : null;
    this.#rows.addSegment(cut, { name: order.name, sha256, init: initId, kind });
    this.#spool.done();
    this.#work(now);
    return true;
  }

  /** Returns true if it will be tried again. */
  notStored(now: number, order: StoreOrder): boolean {
    if (this.#order !== order) return false;
    this.#order = undefined;
    this.#spool.failed(now, this.#shell.random());
    return true;
  }

  /** Drops unstored data. Frames continue with the next group. */
  clear(): void {
    this.#spool.clear();
    this.#cutter.drop();
    this.#init = undefined;
    this.#order = undefined;
    this.#first = undefined;
    this.#skip = { since: null, isGap: false };
  }

  get dueAt(): number | undefined {
    return earliest([this.#spool.dueAt, this.#cutter.isEmpty ? undefined : this.#heardAt + QUIET_MS]);
  }

  tick(now: number): void {
    if (this.#heardAt + QUIET_MS <= now) this.#push(this.#cutter.flush());
    this.#work(now);
  }

  #frame(now: number, epoch: string, frame: IncomingFrame): void {
    this.#heardAt = now;
    const at = { epoch, sequence: frame.sequence };
    this.#first ??= at;
    if (this.#skip !== undefined) {
      this.#skip.since ??= at;
      const isGroup = (frame.flags & Flag.key) !== 0 || frame.sequence === 0;
      if (!isGroup || this.#spool.bytes > this.#maxBytes() / 2) return;
      this.#endSkip(now, frame.sequence);
      this.#skip = undefined;
    }
    if (this.bytes + costOf(frame.payload.byteLength, 1) > this.#maxBytes()) {
      this.#push(this.#cutter.flush(true));
      this.#skip = { since: at, isGap: true };
    } else this.#push(this.#cutter.add(epoch, frame));
    this.#work(now);
  }

  #gap(now: number, epoch: string, from: number, to: number | null, reason: RecordedGapReason): void {
    this.#push(this.#cutter.flush(true));
    this.#endSkip(now, from);
    this.#pushGap(now, epoch, from, to, reason);
    this.#work(now);
  }

  #epoch(now: number, format: string | null, before: Position | undefined): void {
    this.#push(this.#cutter.flush(true));
    this.#endSkip(now, before?.sequence ?? 0);
    this.#cutter.begin();
    this.#cutter.format = format;
    this.#work(now);
  }

  #source(now: number, isOnline: boolean): void {
    if (this.#isOnline === isOnline) return;
    this.#isOnline = isOnline;
    if (!isOnline) this.#flush(now);
  }

  /** Nothing may come for long. */
  #flush(now: number): void {
    this.#push(this.#cutter.flush());
    this.#work(now);
  }

  /** The skipped frames below `next` are a gap. The next frame decides whether skipping continues. */
  #endSkip(now: number, next: number): void {
    const { since = null, isGap = false } = this.#skip ?? {};
    if (since !== null && isGap && since.sequence < next) {
      this.#pushGap(now, since.epoch, since.sequence, next - 1, "store");
    }
    if (this.#skip !== undefined) this.#skip.since = null;
  }

  #pushGap(now: number, epoch: string, from: number, to: number | null, reason: RecordedGapReason): void {
    this.#spool.push({ is: "gap", gap: { epoch, from, to, reason, at: now } });
  }

  #push(cuts: readonly Cut[]): void {
    for (const cut of cuts) this.#spool.push({ is: "segment", cut });
  }

  /** Writes gaps, and begins to store the next segment. */
  #work(now: number): void {
    for (let entry = this.#spool.due(now); entry !== undefined; entry = this.#spool.due(now)) {
      if (entry.is === "gap") {
        this.#rows.addGap(entry.gap);
        this.#spool.done();
        continue;
      }
      this.#order = this.#orderOf(entry.cut);
      this.#spool.begin();
      this.#shell.store(this.#order);
    }
  }

  #orderOf(cut: Cut): StoreOrder {
    const { epoch, first, next, parts, bytes, init } = cut;
    const id = this.#rows.nextId;
    const nonce = this.#shell.nonce();
    const name = formatObjectName({ id, epoch, frames: { first, next }, nonce });
    const isNew = init !== null && needsInit(cut) && !this.#hasStored(init);
    const initName = formatObjectName({ id, epoch, frames: null, nonce });
    return { name, parts, bytes, init: isNew ? { name: initName, bytes: init } : undefined };
  }

  #hasStored(init: Uint8Array): boolean {
    return this.#init !== undefined && areEqual(this.#init.bytes, init) && this.#rows.hasInit(this.#init.id);
  }
}
