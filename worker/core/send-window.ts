// What was sent to a connection and has not arrived: how much, how old, and whether that is too late. Decided before each send.
import type { Tuning } from "./tuning.ts";

/** What is known of a connection at one moment. */
export interface Signals {
  readonly now: number;
  /** When the last `pong` was sent (ms since 1970), where the client pings. */
  readonly pongAt: number | undefined;
  /** Bytes that still sit in this process, where the runtime can tell. */
  readonly buffered: number | undefined;
}

/** `late`: what is on its way is older than allowed. `unproven`: too much went to a client that gives no sign. */
export type Congestion = "none" | "late" | "unproven";

type Bounds = Pick<Tuning, "lateMs" | "lateFloorBytes" | "queueBytes" | "allowanceBytes">;

/** From byte `from` on, bytes were sent at `at` or later. */
interface Mark {
  readonly from: number;
  readonly at: number;
}

/** No client is expected to ping more often than it did lately, nor less often than this (C2). */
const SLOWEST_PING_MS = 10_000;
/** So many times between pongs are looked at; until there are so many, the client may be the slowest. */
const RECENT_PINGS = 8;
/** Marks are so far apart: lateness is known to that precision. */
const MARK_MS = 250;
/** Enough for the longest `lateMs`; without more of them, what is younger counts as a little older. */
const MAX_MARKS = 512;

/**
 * The bytes of one connection. Two signals: what is queued in this process, and pong-gated pings: when the time of the
 * last `pong` moves from T1 to T2, everything that was sent before T1 has arrived (PROTOCOL.md C2).
 */
export class SendWindow {
  readonly #bounds: Bounds;
  readonly #saidPingMs: number | undefined;
  /** Bytes sent in all, and of these those known to have arrived. */
  #sent = 0;
  #arrived = 0;
  /** The last pong seen, and what had been sent by then. */
  #pong: { readonly at: number; readonly sent: number } | undefined;
  #intervals: number[] = [];
  #marks: Mark[] = [];
  /** When a frame was last sent. */
  #sentAt = Number.NEGATIVE_INFINITY;
  /** Age counts from here at the earliest: the client was alive through a pause in which nobody looked. */
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Bytes that have arrived, where the client pings, else that have left the process; and when that last changed. */
  #through = 0;
  #throughAt: number;

  /** It opens at `now`. `pingMs`: how soon after a pong the client says that it pings. */
  constructor(bounds: Bounds, now: number, pingMs?: number) {
    this.#bounds = bounds;
    this.#saidPingMs = pingMs;
    this.#throughAt = now;
  }

  /** Bytes sent on this connection. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes not known to have arrived. */
  get unconfirmed(): number {
    return this.#sent - this.#arrived;
  }

  /** Bytes on their way: at most what is unconfirmed; what sits in this process, where that is all we know. */
  inFlight({ buffered }: Signals): number {
    return this.#pong === undefined ? (buffered ?? this.#sent) : this.unconfirmed;
  }

  /** Does the client ping? */
  get pings(): boolean {
    return this.#pong !== undefined;
  }

  /** Did it show that it received all, or nearly all, that was sent last? Of a client that pings. */
  confirms(bytes: number): boolean {
    const isAnswered = this.#pong !== undefined && this.#pong.at > this.#sentAt;
    return this.#arrived > 0 && (isAnswered || this.unconfirmed <= bytes);
  }

  /** Takes note of the signals. To be called before each send of a frame. */
  observe({ now, pongAt, buffered }: Signals): void {
    if (pongAt !== undefined && pongAt !== this.#pong?.at) this.#notePong(pongAt, now);
    const through = this.pings ? this.#arrived : this.#sent - (buffered ?? this.#sent);
    if (through > this.#through || through === this.#sent) this.#progressed(through, now);
    if (this.#through === this.#sent) this.#marks = [];
    let stale = 0;
    while ((this.#marks[stale + 1]?.from ?? Number.POSITIVE_INFINITY) <= this.#through) stale++;
    if (stale > 0) this.#marks.splice(0, stale);
  }

  /** How late is it? */
  congestion(signals: Signals): Congestion {
    const { lateMs, lateFloorBytes, queueBytes, allowanceBytes } = this.#bounds;
    const { now, buffered } = signals;
    if (buffered === undefined && this.#pong === undefined) return this.#sent > allowanceBytes ? "unproven" : "none";
    if (buffered === undefined && this.unconfirmed > queueBytes) return "late";
    if (buffered !== undefined && buffered > 0 && this.#age(this.#sent - buffered, now) > lateMs) return "late";
    if (this.#pong === undefined || this.unconfirmed <= lateFloorBytes) return "none";
    return this.#age(this.#arrived, now) > lateMs + 2 * this.#pingMs ? "late" : "none";
  }

  /** Has what was late got through, so that a group can follow it? */
  drained(signals: Signals): boolean {
    const { lateFloorBytes } = this.#bounds;
    const { buffered } = signals;
    if (this.congestion(signals) !== "none" || (buffered !== undefined && buffered > lateFloorBytes)) return false;
    return this.pings ? this.unconfirmed <= lateFloorBytes : buffered !== undefined;
  }

  /** Has nothing got through for `ms`, while there is something on its way? */
  isStuck(now: number, ms: number): boolean {
    return this.#through < this.#sent && now - this.#throughAt > ms;
  }

  /** A frame was handed to the socket. */
  add(bytes: number, now: number): void {
    const newest = this.#marks.at(-1);
    const isDue = newest === undefined || now - newest.at >= MARK_MS;
    if (isDue && this.#marks.length < MAX_MARKS) this.#marks.push({ from: this.#sent, at: now });
    if (this.#through === this.#sent) this.#throughAt = now;
    this.#sentAt = now;
    this.#sent += bytes;
  }

  /** A text was handed to the socket. It is never late: nothing waits behind texts alone. */
  addText(bytes: number): void {
    this.#sent += bytes;
  }

  #notePong(at: number, now: number): void {
    if (this.#pong !== undefined) {
      this.#intervals = [...this.#intervals.slice(1 - RECENT_PINGS), at - this.#pong.at];
      this.#arrived = this.#pong.sent;
    }
    if (this.#pong === undefined || now - this.#sentAt > this.#bounds.lateMs) this.#notBefore = now;
    this.#pong = { at, sent: this.#sent };
    this.#progressed(this.#arrived, now);
  }

  #progressed(through: number, now: number): void {
    this.#through = through;
    this.#throughAt = now;
  }

  /** How long ago byte `index` was sent. */
  #age(index: number, now: number): number {
    const mark = this.#marks.findLast(({ from }) => from <= index) ?? this.#marks[0];
    return mark === undefined ? 0 : now - Math.max(mark.at, this.#notBefore);
  }

  /** How long the client may take from one ping to the next. */
  get #pingMs(): number {
    if (this.#saidPingMs !== undefined) return this.#saidPingMs;
    const isKnown = this.#intervals.length === RECENT_PINGS;
    return isKnown ? Math.min(SLOWEST_PING_MS, Math.max(...this.#intervals)) : SLOWEST_PING_MS;
  }
}
