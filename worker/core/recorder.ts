// The recorder of one track without its platform: data from its link becomes objects in a bucket and rows of an index.
import { type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import type { Position } from "../../protocol/position.ts";
import { earliest } from "./earliest.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { RecorderLink, type RecorderLinkShell } from "./recorder-link.ts";
import { counted, Reporter, type ReporterShell, type Standing } from "./recorder-report.ts";
import { type RecorderState, type RecordingTerms, readRecorderState, writeRecorderState } from "./recorder-state.ts";
import { Recording, type RecordingShell } from "./recording.ts";
import { RecordingRows } from "./recording-rows.ts";
import { Retention, type RetentionShell } from "./retention.ts";
import type { Sink } from "./sink.ts";
import { SPOOL_BYTES } from "./spool.ts";
import type { Sql } from "./sql.ts";
import { namesOf, type StoreOrder } from "./store-order.ts";

/** The platform functions that a recorder needs. None of them throws. */
export interface RecorderShell extends RecordingShell, RecorderLinkShell, RetentionShell, ReporterShell {}

/** While data is unstored, the object is woken after this time, in case it was killed. */
const GUARD_MS = 30_000;

/** After this time since a crash or a failure, no more unknown objects appear. */
const SWEEP_AFTER_MS = 600_000;

const LOOK_MS = 24 * 3_600_000;

/** After this time since the last frame, another one is not expected. */
const FORSAKEN_MS = 600_000;

/** Times are ms since 1970. */
export class RecorderCore {
  readonly #kv: KeyValueStore;
  readonly #shell: RecorderShell;
  readonly rows: RecordingRows;
  readonly retention: Retention;
  readonly #recording: Recording;
  readonly #link: RecorderLink;
  readonly reporter: Reporter;
  #state: RecorderState;
  #guardAt: number | undefined;
  /** A recorder with a recording wakes once a day, to ask whether the room still exists. */
  #lookAt = Number.POSITIVE_INFINITY;

  constructor(track: string, kv: KeyValueStore, sql: Sql, given: RecorderShell, maxBytes = () => SPOOL_BYTES) {
    const shell = counted(given, () => this.reporter);
    this.#kv = kv;
    this.#shell = shell;
    this.#state = readRecorderState(kv);
    this.rows = new RecordingRows(sql);
    this.retention = new Retention(this.rows, shell, () => this.#recording.onTheWay);
    this.#recording = new Recording(this.rows, shell, this.#state.isOnline, maxBytes);
    this.#link = new RecorderLink(
      track,
      shell,
      this.#recording.intake(() => this.#link.asked()),
    );
    this.#link.goOnAt(this.#committed);
    this.reporter = new Reporter(this.#state.told, this.rows, shell);
  }

  /** The object is in memory again. If it had unstored data, it was killed: the room may still have the data. */
  restore(now: number): void {
    this.reporter.restore(now, this.#state.isOpen);
    if (this.#state.isOpen) {
      this.#put({ sweepAt: this.#state.sweepAt ?? now + SWEEP_AFTER_MS });
      this.#link.call();
    }
    this.#lookAt = now + LOOK_MS;
    if (this.#state.terms !== null) this.retention.apply(now, this.#state.terms);
    this.#after(now);
  }

  /** The room dialled, and sent its terms. Returns false if there is a newer link. */
  opened(now: number, generation: number, sink: Sink, terms: RecordingTerms, version?: number): boolean {
    if (!this.#link.opened(generation, sink, version)) return false;
    this.keep(now, terms);
    return true;
  }

  closed(now: number, generation: number): void {
    this.#link.closed(generation);
    this.#after(now);
  }

  /** The terms from now on. */
  keep(now: number, terms: RecordingTerms): void {
    const { keepSeconds, maxBytes } = this.#state.terms ?? {};
    if (keepSeconds !== terms.keepSeconds || maxBytes !== terms.maxBytes) this.#put({ terms });
    this.retention.apply(now, terms);
    this.#after(now);
  }

  /** A message from the room. Returns why the link has to end; undefined: it continues. */
  message(now: number, generation: number, message: string | Uint8Array): ErrorCode | undefined {
    try {
      this.#link.message(now, generation, message);
      return undefined;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.code;
    } finally {
      this.#after(now);
    }
  }

  stored(now: number, order: StoreOrder, sha256: string): void {
    if (this.#recording.stored(now, order, sha256)) this.retention.added(now);
    else this.retention.doom(now, namesOf(order));
    this.#after(now);
  }

  /** It could not be stored, or it is unknown whether it was. */
  notStored(now: number, order: StoreOrder): void {
    this.reporter.failed(now);
    this.retention.doom(now, namesOf(order));
    this.#put({ sweepAt: this.#state.sweepAt ?? now + SWEEP_AFTER_MS });
    // The room need not stay awake for a bucket that does not answer.
    if (this.#recording.notStored(now, order)) this.#link.settled();
    this.#after(now);
  }

  /** Deletes the recording. `isOver`: also ends it. */
  erase(now: number, isOver: boolean): void {
    const position = isOver ? undefined : this.#link.position;
    this.#recording.clear();
    this.rows.forgetThrough(Number.MAX_SAFE_INTEGER);
    this.#put({ after: position ?? null, sweepAt: now, ...(isOver && { terms: null, isOpen: false }) });
    if (isOver) this.#link.end();
    if (isOver) this.#link.goOnAt(undefined);
    this.alarm(now);
  }

  /** Objects were deleted; `names` undefined: they could not be. */
  removed(now: number, names: readonly string[] | undefined): void {
    if (names === undefined) this.retention.notRemoved(now, this.#shell.random());
    else this.retention.removed(now, names);
  }

  /** A page of the names of objects; `names` undefined: they could not be listed. */
  listed(now: number, names: readonly string[] | undefined, cursor: string | undefined): void {
    if (names === undefined) this.retention.notListed(now, this.#shell.random());
    else this.retention.listed(now, names, cursor);
  }

  /** The room has the report. `terms`: the terms from now on; null: the room knows no such recorder. */
  reported(now: number, terms: RecordingTerms | null): void {
    const told = this.reporter.taken();
    if (told !== undefined) this.#put({ told });
    if (terms !== null && this.#isKept) this.keep(now, terms);
    else this.#after(now);
  }

  get isLinked(): boolean {
    return this.#link.isUp;
  }

  /** Memory of unstored data. */
  get spoolBytes(): number {
    return this.#recording.bytes;
  }

  /** True if everything that has to be deleted from the bucket is gone. */
  get isSwept(): boolean {
    return this.#state.sweepAt === null && this.retention.isIdle && this.#recording.onTheWay.length === 0;
  }

  /** True if it was ended, and nothing is left. */
  get isOver(): boolean {
    return !this.#isKept && this.isSwept && this.rows.totals.segments === 0;
  }

  /** True if it grows, or may. A source that sends nothing for long may be gone, and the room with it. */
  isLive(now: number): boolean {
    if (!this.#recording.isSettled) return true;
    return this.#recording.isOnline && now - (this.rows.last?.receivedUntil ?? 0) < FORSAKEN_MS;
  }

  /** When `tick` is needed, while the object is in memory. */
  get dueAt(): number | undefined {
    const reportAt = this.#isKept ? this.reporter.dueAt(this.#standing) : undefined;
    return earliest([this.#link.dueAt, this.#recording.dueAt, this.retention.dueAt, reportAt]);
  }

  tick(now: number): void {
    this.#link.tick(now);
    this.#recording.tick(now);
    this.retention.tick(now);
    this.#after(now);
  }

  /** When `alarm` is needed, asleep or not. */
  get alarmAt(): number | undefined {
    const guardAt = this.#isGuarded ? this.#guardAt : undefined;
    const lookAt = this.rows.bytes > 0 ? this.#lookAt : undefined;
    return earliest([guardAt, lookAt, this.#state.sweepAt ?? undefined, this.retention.expiresAt]);
  }

  alarm(now: number): void {
    this.#guardAt = undefined;
    this.#lookAt = now + LOOK_MS;
    const { terms, sweepAt } = this.#state;
    if (terms !== null && (this.retention.expiresAt ?? 0) <= now) this.retention.apply(now, terms);
    if (sweepAt !== null && sweepAt <= now) this.retention.sweep(() => this.#put({ sweepAt: null }));
    this.tick(now);
  }

  get #committed(): Position | undefined {
    return this.rows.position ?? this.#state.after ?? undefined;
  }

  /** When everything is stored, closes the open state, and tells the room that it may end the link. */
  #after(now: number): void {
    const { isSettled, isOnline } = this.#recording;
    if (isSettled) this.#link.settled();
    this.#guardAt = this.#isGuarded ? (this.#guardAt ?? now + GUARD_MS) : undefined;
    const isOpen = !isSettled;
    // Lost data of a recording that is still empty is a gap, too.
    const after = this.#state.after ?? this.#recording.first ?? null;
    if (isOpen !== this.#state.isOpen || isOnline !== this.#state.isOnline) this.#put({ isOpen, isOnline, after });
    if (this.#isKept) this.reporter.send(now, this.#standing);
  }

  get #standing(): Standing {
    const { isSettled, isOnline } = this.#recording;
    return { isRecording: isOnline || !isSettled, isSettled };
  }

  /** True if the room wants anything to be kept. */
  get #isKept(): boolean {
    return this.#state.terms !== null;
  }

  get #isGuarded(): boolean {
    return !this.#recording.isSettled || !this.retention.isIdle;
  }

  #put(change: Partial<RecorderState>): void {
    this.#state = { ...this.#state, ...change };
    writeRecorderState(this.#kv, this.#state);
    this.reporter.uses(0, 1);
  }
}
