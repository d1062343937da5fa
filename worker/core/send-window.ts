// The bytes on their way to a connection: how many, how old, and whether that is too late. Asked before each send.
import { SendTimes } from "./send-times.ts";
import type { Tuning } from "./tuning.ts";

/** The known facts about a connection at one moment. */
export interface Signals {
  readonly now: number;
  /** When the last `pong` was sent (ms since 1970), if the client pings. */
  readonly pongAt: number | undefined;
  /** Bytes that are still in this process, if the runtime can tell. */
  readonly buffered: number | undefined;
}

/** `late`: bytes on their way are older than allowed. `unproven`: too much was sent to a client that gives no sign. */
export type Congestion = "none" | "late" | "unproven";

type Bounds = Pick<Tuning, "lateMs" | "lateFloorBytes" | "queueBytes" | "allowanceBytes">;

/** A client is expected to ping about as often as it recently did, and at least this often (C2). */
const SLOWEST_PING_MS = 10_000;
/** The number of intervals between pongs that are considered. With fewer, the client may be the slowest. */
const RECENT_PINGS = 8;
/** An unknown time, before all others. It is a number, so that it is written in place. */
const NEVER = Number.NEGATIVE_INFINITY;

/**
 * The bytes of one connection. There are two signals: the bytes queued in this process, and pong-gated pings: when the
 * time of the last `pong` moves from T1 to T2, everything that was sent before T1 has arrived (PROTOCOL.md C2).
 */
export class SendWindow {
  readonly #bounds: Bounds;
  readonly #saidPingMs: number | undefined;
  /** Total bytes sent, and those known to have arrived. */
  #sent = 0;
  #arrived = 0;
  /** When the last seen pong was sent, and the bytes sent by then. */
  #pongAt = NEVER;
  #pongSent = 0;
  /** The last intervals between pongs, in a ring, and their total number. */
  readonly #intervals: number[] = [];
  #intervalCount = 0;
  readonly #times = new SendTimes();
  /** When a frame was last sent. */
  #sentAt = NEVER;
  /** The earliest start of ages: the client was alive through a pause in which nobody looked. */
  #notBefore = NEVER;
  /**
   * Bytes that have arrived, if the client pings, or else that have left the process; and the time of the last change.
   */
  #through = 0;
  #throughAt: number;

  /** It opens at `now`. `pingMs`: how soon after a pong the client pings, as it declares. */
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

  /** Bytes on their way: at most the unconfirmed bytes; the bytes in this process, if that is all we know. */
  inFlight({ buffered }: Signals): number {
    return this.pings ? this.unconfirmed : (buffered ?? this.#sent);
  }

  /** True if the client pings. */
  get pings(): boolean {
    return this.#pongAt !== NEVER;
  }

  /** True if a client that pings has confirmed all, or nearly all, of the last sent bytes. */
  confirms(bytes: number): boolean {
    const isAnswered = this.#pongAt > this.#sentAt;
    return this.#arrived > 0 && (isAnswered || this.unconfirmed <= bytes);
  }

  /** Takes the signals. Call it before each send of a frame. */
  observe({ now, pongAt, buffered }: Signals): void {
    if (pongAt !== undefined && pongAt !== this.#pongAt) this.#notePong(pongAt, now);
    const through = this.pings ? this.#arrived : this.#sent - (buffered ?? this.#sent);
    if (through > this.#through || through === this.#sent) this.#progressed(through, now);
    if (this.#through === this.#sent) this.#times.clear();
    else this.#times.dropBefore(this.#through);
  }

  /** The verdict about its lateness. */
  congestion(signals: Signals): Congestion {
    const { lateMs, lateFloorBytes, queueBytes, allowanceBytes } = this.#bounds;
    const { now, buffered } = signals;
    if (buffered === undefined && !this.pings) return this.#sent > allowanceBytes ? "unproven" : "none";
    if (buffered === undefined && this.unconfirmed > queueBytes) return "late";
    if (buffered !== undefined && buffered > 0 && this.#age(this.#sent - buffered, now) > lateMs) return "late";
    if (!this.pings || this.unconfirmed <= lateFloorBytes) return "none";
    return this.#age(this.#arrived, now) > lateMs + 2 * this.#pingMs ? "late" : "none";
  }

  /** True if the late bytes have got through, so that a group can follow. */
  drained(signals: Signals): boolean {
    const { lateFloorBytes } = this.#bounds;
    const { buffered } = signals;
    if (this.congestion(signals) !== "none" || (buffered !== undefined && buffered > lateFloorBytes)) return false;
    return this.pings ? this.unconfirmed <= lateFloorBytes : buffered !== undefined;
  }

  /** True if nothing has got through for `ms` while there is something on its way. */
  isStuck(now: number, ms: number): boolean {
    return this.#through < this.#sent && now - this.#throughAt > ms;
  }

  /** A frame was handed to the socket. */
  add(bytes: number, now: number): void {
    this.#times.add(this.#sent, now);
    if (this.#through === this.#sent) this.#throughAt = now;
    this.#sentAt = now;
    this.#sent += bytes;
  }

  /** A text was handed to the socket. It is never late: nothing waits behind texts alone. */
  addText(bytes: number): void {
    this.#sent += bytes;
  }

  #notePong(at: number, now: number): void {
    if (!this.pings || now - this.#sentAt > this.#bounds.lateMs) this.#notBefore = now;
    if (this.pings) {
      this.#intervals[this.#intervalCount++ % RECENT_PINGS] = at - this.#pongAt;
      this.#arrived = this.#pongSent;
    }
    this.#pongAt = at;
    this.#pongSent = this.#sent;
    this.#progressed(this.#arrived, now);
  }

  #progressed(through: number, now: number): void {
    this.#through = through;
    this.#throughAt = now;
  }

  /** The time since byte `index` was sent. */
  #age(index: number, now: number): number {
    const sentAt = this.#times.of(index);
    return sentAt === undefined ? 0 : now - Math.max(sentAt, this.#notBefore);
  }

  /** The time that the client may take from one ping to the next. */
  get #pingMs(): number {
    if (this.#saidPingMs !== undefined) return this.#saidPingMs;
    const isKnown = this.#intervalCount >= RECENT_PINGS;
    return isKnown ? Math.min(SLOWEST_PING_MS, Math.max(...this.#intervals)) : SLOWEST_PING_MS;
  }
}
