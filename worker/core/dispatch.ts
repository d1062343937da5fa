// Decides when a room's reports are sent: gathered, at a limited rate, repeated if the queue accepted nothing, and
// never by waking an idle room.
import { TokenBucket } from "./token-bucket.ts";

/** Reports are sent this long after their events. */
const GATHER_MS = 1000;
/** After a few reports in a row, one report may be sent in this time. Changes of only numbers always wait for it. */
const SPACING_MS = 10_000;
const BURST = 6;

/**
 * If the queue accepts nothing, the room tries again after these delays while it is awake, then at the next change. A
 * closed room tries by its alarm.
 */
const RETRIES_MS = [1000, 2000, 4000, 8000];
const ALARM_MS = 600_000;

/** A room in use reports at this interval. */
const REPORT_MS = 60_000;
/** After this time without a report, the index may not know the room: all reports may have been lost. */
const UNKNOWN_MS = 24 * 3_600_000;

/** Times are ms since 1970. */
export class Dispatch {
  readonly #bucket = new TokenBucket(1000 / SPACING_MS, BURST);
  #at: number | undefined;
  #isSending = false;
  #failures = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #alarmAt: number | undefined;
  #toldAt: number;
  readonly #awakeSince: number;

  /** `toldAt`: from before the object was in memory. */
  constructor(now: number, toldAt = now) {
    this.#toldAt = toldAt;
    this.#awakeSince = now;
  }

  /**
   * There is something to report. `events`: in a moment; `numbers`: at the next opportunity; `end`: at once, because
   * the room is over.
   */
  plan(now: number, what: "events" | "numbers" | "end"): void {
    if (what === "end") {
      this.#at = now;
      this.#alarmAt = now + ALARM_MS;
    }
    const soon = now + GATHER_MS;
    const planned = this.#at ?? Number.POSITIVE_INFINITY;
    if (planned <= soon || (this.#failures > 0 && now < this.#sentAt + SPACING_MS)) return;
    const isSoon = what === "events" && this.#bucket.take(1, now);
    this.#at = Math.min(planned, isSoon ? soon : Math.max(soon, this.#sentAt + SPACING_MS));
  }

  /** When the queue last accepted a report, or the index asked for one. */
  get toldAt(): number {
    return this.#toldAt;
  }

  told(now: number): void {
    this.#toldAt = now;
  }

  mayBeUnknown(now: number): boolean {
    return now - this.#toldAt >= UNKNOWN_MS;
  }

  /** The room is in use. It then reports, too, but after sleep not at once, unless the index may not know it. */
  used(now: number): void {
    const silentSince = Math.max(this.#toldAt, this.#awakeSince);
    if (now - silentSince >= REPORT_MS || this.mayBeUnknown(now)) this.plan(now, "events");
  }

  get dueAt(): number | undefined {
    return this.#isSending ? undefined : this.#at;
  }

  isDue(now: number): boolean {
    return (this.dueAt ?? Number.POSITIVE_INFINITY) <= now;
  }

  /** When an alarm is needed: only for a room that is over. */
  get alarmAt(): number | undefined {
    return this.#alarmAt;
  }

  /** The alarm may have rung. */
  ring(now: number): void {
    if ((this.#alarmAt ?? Number.POSITIVE_INFINITY) > now) return;
    this.#alarmAt = now + ALARM_MS;
    this.#at = now;
  }

  /** A report is sent. */
  send(now: number): void {
    this.#at = undefined;
    this.#isSending = true;
    this.#sentAt = now;
  }

  /** The queue has accepted the report. */
  taken(): void {
    this.#isSending = false;
    this.#failures = 0;
    this.#alarmAt = undefined;
  }

  /** The queue has not accepted it. */
  failed(): void {
    this.#isSending = false;
    const delay = RETRIES_MS[this.#failures++];
    if (delay !== undefined) this.#at = this.#sentAt + delay;
  }
}
