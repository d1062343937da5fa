// A room's journal: detects changes, numbers them, and reports them. It never acts while a frame is on its way.
import { PUBLISHER_GRACE_MS } from "../../protocol/limits.ts";
import { Dispatch } from "./dispatch.ts";
import { earliest } from "./earliest.ts";
import { happenings, type RoomEvent, type RoomState } from "./events.ts";
import { forgetJournal, type JournalRow, readJournal, writeJournal } from "./journal-row.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { Meter } from "./meter.ts";
import { Outbox } from "./outbox.ts";
import type { RoomSettings } from "./room-settings.ts";
import { NO_USAGE, type Usage } from "./usage.ts";

/** A report: the state of the room, and the events since the last report. Times are ms since 1970. */
export interface RoomReport {
  readonly room: string;
  readonly createdAt: number;
  readonly at: number;
  /** The number of the newest event. */
  readonly number: number;
  readonly state: RoomState;
  readonly usage: Usage;
  /** The length of the recent past in ms, and the usage in it. */
  readonly recentMs: number;
  readonly recent: Usage;
  readonly events: readonly RoomEvent[];
}

/** Puts a report into the queue, and tells whether the queue accepted it. Never throws. */
export type PostReport = (report: RoomReport, done: (isTaken: boolean) => void) => void;

/** The room as it will be reported. */
export interface Seen {
  readonly room: string;
  readonly createdAt: number;
  readonly settings: RoomSettings;
  readonly state: RoomState;
}

/** After this time without frames, counts are stored: the room may sleep soon, and a sleeping room has no memory. */
const QUIET_MS = 500;
/** Counts are stored at this interval while frames arrive: a crash loses no more. */
const SAVE_MS = 600_000;

/** One room's journal. Times are ms since 1970. */
export class Journal {
  readonly meter: Meter;
  readonly #kv: KeyValueStore;
  readonly #post: PostReport;
  readonly #dispatch: Dispatch;
  /** After a crash, the room waits this long for reconnecting clients before it reports that they are gone. */
  readonly #settledAt: number;
  #last: Omit<JournalRow, "usage" | "usageAt" | "toldAt" | "outbox"> | undefined;
  readonly #outbox: Outbox;
  /** Why connections were ended before the object was in memory. */
  #closedBefore: Readonly<Record<string, number>>;
  /** The state that the queue has, as JSON. */
  #told: string;
  #savedAt: number;
  #settleAt: number | undefined;
  #quietAt: number | undefined;
  #isUsed = false;
  #mustWrite = false;
  #mustSend = false;

  constructor(kv: KeyValueStore, post: PostReport, now: number) {
    this.#kv = kv;
    this.#post = post;
    const row = readJournal(kv);
    this.#last = row;
    this.#closedBefore = row?.state.closed ?? {};
    this.#outbox = new Outbox(row?.outbox);
    this.#settledAt = row === undefined ? now : now + PUBLISHER_GRACE_MS;
    this.#told = JSON.stringify(row?.state ?? null);
    this.#dispatch = new Dispatch(now, row?.toldAt);
    this.#savedAt = now;
    this.meter = new Meter(row?.usage ?? NO_USAGE, row?.usageAt ?? now, row?.state.subscribers);
    // The row itself was read before the meter existed.
    this.meter.rows(0, 1);
    if (!this.#outbox.isEmpty) this.#dispatch.plan(now, "events");
  }

  /** Something happened that has to be counted. */
  touch(now: number): void {
    this.meter.turn(now);
    this.#isUsed = true;
    this.#quietAt ??= now + QUIET_MS;
  }

  /** Looks at the room; undefined: it does not exist. `isExpired`: it is over because it stayed empty. */
  look(now: number, seen: Seen | undefined, isExpired: boolean): void {
    if (seen !== undefined && seen.createdAt !== this.#last?.createdAt) this.#begin();
    const state = seen === undefined ? this.#ended(isExpired) : this.#stateOf(seen);
    if (state === undefined) return;
    const before = this.#last;
    if (before !== undefined && now < this.#settledAt && state.state === "open" && isLess(before.state, state)) {
      this.#settleAt = this.#settledAt;
      return;
    }
    this.#settleAt = undefined;
    const settings = seen === undefined ? (before?.settings ?? "") : JSON.stringify(seen.settings);
    const found = happenings(before?.state, state);
    if (before !== undefined && settings !== before.settings) found.unshift({ type: "room.changed", about: null });
    let number = before?.number ?? 0;
    for (const { type, about } of found) {
      const isAboutAll = seen !== undefined && (type === "room.created" || type === "room.changed");
      const said = isAboutAll ? { settings: seen.settings } : {};
      this.#outbox.add({ number: ++number, type, at: now, about, state, ...said });
    }
    const { room, createdAt } = seen ?? (before as Seen & JournalRow);
    this.#last = { room, createdAt, number, state, settings };
    // A room that is over is not looked at again.
    if (state.state !== "open") this.#mustSend = true;
    if (found.length > 0) this.#dispatch.plan(now, state.state === "open" ? "events" : "end");
    else if (!this.#isTold) this.#dispatch.plan(now, "numbers");
  }

  /** The creation time of the counted room; undefined: there is none. */
  get createdAt(): number | undefined {
    return this.#last?.createdAt;
  }

  /** When `tick` is needed; undefined: the room may sleep. */
  get dueAt(): number | undefined {
    return earliest([this.#dispatch.dueAt, this.#quietAt, this.#settleAt]);
  }

  /** When `tick` is needed, asleep or not: only for a room that is over and could not report it. */
  get alarmAt(): number | undefined {
    return this.#dispatch.alarmAt;
  }

  /** `isBusy`: the room itself waits for something, so it does not sleep yet. */
  tick(now: number, isBusy: boolean): void {
    this.meter.turn(now);
    this.#dispatch.ring(now);
    if (this.#dispatch.isDue(now)) this.#mustSend = true;
    if (this.#quietAt === undefined || this.#quietAt > now) return;
    if (this.#isUsed) this.#dispatch.used(now);
    const mayGoOn = this.#isUsed || isBusy;
    this.#isUsed = false;
    this.#quietAt = mayGoOn ? now + QUIET_MS : undefined;
    if (!mayGoOn || now - this.#savedAt >= SAVE_MS) this.#mustWrite = true;
  }

  /** Becomes true by `tick`, or by the end of the room: never while a frame is on its way. */
  get isUnsaved(): boolean {
    return this.#mustWrite || this.#mustSend;
  }

  /** Stores the events that have to survive, then reports them. Throws if storage does; it may then be called again. */
  save(now: number): void {
    const isDue = this.#mustSend && this.#dispatch.isDue(now);
    // Events are stored before they are reported, so a number never means two things.
    if (this.#mustWrite || (isDue && !this.#outbox.isEmpty)) this.#write(now);
    if (isDue) this.#send(now);
    this.#mustSend = false;
  }

  /** The state of the room, without events; undefined: there is no room. For an index that may have missed a report. */
  report(now: number): RoomReport | undefined {
    this.#dispatch.told(now);
    return this.#last === undefined ? undefined : this.#reportOf(now, this.#last, []);
  }

  get #isTold(): boolean {
    return JSON.stringify(this.#last?.state ?? null) === this.#told;
  }

  #write(now: number): void {
    const last = this.#last;
    if (last !== undefined && last.state.state !== "open" && this.#outbox.isEmpty) {
      forgetJournal(this.#kv);
      this.#last = undefined;
    } else if (last !== undefined) {
      const { usage } = this.meter;
      // This row counts, too.
      const counted = { ...usage, rowsWritten: usage.rowsWritten + 1 };
      const { toldAt } = this.#dispatch;
      writeJournal(this.#kv, { ...last, usage: counted, usageAt: now, toldAt, outbox: this.#outbox.events });
    }
    this.#mustWrite = false;
    this.#savedAt = now;
  }

  #send(now: number): void {
    this.#dispatch.send(now);
    if (this.#last === undefined) return this.#dispatch.taken();
    const { state } = this.#last;
    const events = this.#outbox.events;
    const upTo = this.#outbox.send();
    this.meter.queued();
    this.#post(this.#reportOf(now, this.#last, events), (isTaken) => {
      if (!isTaken) return this.#dispatch.failed();
      if (events.length > 0 || this.#dispatch.mayBeUnknown(now)) this.#mustWrite = true;
      this.#dispatch.taken();
      this.#dispatch.told(now);
      this.#told = JSON.stringify(state);
      this.#outbox.taken(upTo);
      if (!this.#outbox.isEmpty) this.#dispatch.plan(now, "events");
      else if (!this.#isTold) this.#dispatch.plan(now, "numbers");
    });
  }

  #reportOf(
    now: number,
    last: Pick<JournalRow, "room" | "createdAt" | "number" | "state">,
    events: RoomEvent[],
  ): RoomReport {
    const { room, createdAt, number, state } = last;
    const { usage: recent, ms: recentMs } = this.meter.recent(now);
    return { room, createdAt, at: now, number, state, usage: this.meter.usage, recentMs, recent, events };
  }

  /** Another room with the same id. */
  #begin(): void {
    this.#last = undefined;
    this.#closedBefore = {};
  }

  /** The final state of a room that is over. */
  #ended(isExpired: boolean): RoomState | undefined {
    const before = this.#last?.state;
    if (before === undefined || before.state !== "open") return undefined;
    const state = isExpired ? "expired" : "closed";
    return { ...before, state, subscribers: 0, publishers: 0, sources: [], relays: [], recordings: [] };
  }

  #stateOf({ state }: Seen): RoomState {
    const closed: Record<string, number> = { ...this.#closedBefore };
    for (const [name, count] of Object.entries(state.closed)) closed[name] = (closed[name] ?? 0) + count;
    return { ...state, closed };
  }
}

/** True if something is gone. */
function isLess(before: RoomState, now: RoomState): boolean {
  const online = ({ sources }: RoomState) => sources.filter((source) => source.online).length;
  const isFewer = now.recordings.length < before.recordings.length;
  return now.subscribers < before.subscribers || online(now) < online(before) || isFewer;
}
