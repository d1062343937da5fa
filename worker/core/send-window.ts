// How much of what was sent to a subscriber is still on its way, and whether more may be sent. Decided before each send.
import type { Tuning } from "./tuning.ts";

/** What is known of a connection's way at one moment. */
export interface Signals {
  readonly now: number;
  /** When the last `pong` was sent (ms since 1970), where the client pings. */
  readonly pongAt: number | undefined;
  /** Bytes that still sit in this process, where the runtime can tell. */
  readonly buffered: number | undefined;
}

/** The way is `open`, or `late` (paused until it has drained), or `unproven` (no sign of life within the allowance). */
export type Way = "open" | "late" | "unproven";

/** A client is not expected to ping less often. */
const SLOWEST_PING_MS = 10_000;

/**
 * The state of one connection's way. Two signals: bytes queued in this process, and pong-gated pings: when the time of
 * the last `pong` moves from T1 to T2, all that was sent before T1 has arrived (PROTOCOL.md C2).
 */
export class SendWindow {
  readonly #settings: Tuning;
  /** Bytes sent in all. */
  #sent = 0;
  /** Bytes known to have arrived. */
  #arrived = 0;
  /** The last pong seen, and what had been sent by then. */
  #pong: { readonly at: number; readonly sent: number } | undefined;
  /** How often the client pings when nothing is in its way: the shortest time between two pongs so far. */
  #pingMs = SLOWEST_PING_MS;
  /** Since when there has been something on its way that has not been confirmed. */
  #unconfirmedSince = 0;
  /** When something was last sent. */
  #sentAt = 0;

  constructor(settings: Tuning) {
    this.#settings = settings;
  }

  /** Bytes sent on this connection. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes on their way: what is not known to have arrived, at most; what sits in this process, where that is all we know. */
  inFlight(signals: Signals): number {
    return this.#pong === undefined ? (signals.buffered ?? this.#sent) : this.#sent - this.#arrived;
  }

  /** Takes note of a pong. To be called before each send, with the signals of that moment. */
  observe(signals: Signals): void {
    const { pongAt, now } = signals;
    if (pongAt === undefined || pongAt === this.#pong?.at) return;
    if (this.#pong !== undefined) {
      this.#pingMs = Math.min(pongAt - this.#pong.at, this.#pingMs);
      this.#arrived = this.#pong.sent;
      // The client was alive through a pause, in which nobody looked: its lag counts from here.
      const wasQuiet = now - this.#sentAt > this.#settings.lagMs;
      this.#unconfirmedSince = wasQuiet ? now : this.#pong.at;
    } else {
      this.#unconfirmedSince = now;
    }
    this.#pong = { at: pongAt, sent: this.#sent };
  }

  /** May more be sent? `heldBytes`: what may sit in this process for this connection. */
  way(signals: Signals, heldBytes: number): Way {
    const { windowBytes, lagMs, allowanceBytes } = this.#settings;
    const unconfirmed = this.#sent - this.#arrived;
    if (signals.buffered !== undefined && signals.buffered > heldBytes) return "late";
    if (this.#pong === undefined) {
      return signals.buffered === undefined && this.#sent > allowanceBytes ? "unproven" : "open";
    }
    if (signals.buffered === undefined && unconfirmed > heldBytes) return "late";
    const lag = signals.now - this.#unconfirmedSince - 2 * this.#pingMs;
    return unconfirmed > windowBytes && lag > lagMs ? "late" : "open";
  }

  /** Has a way that was late drained, so that a group can go on it? */
  drained(signals: Signals): boolean {
    const half = this.#settings.windowBytes / 2;
    if (signals.buffered !== undefined && signals.buffered > half) return false;
    return this.#pong === undefined ? signals.buffered !== undefined : this.#sent - this.#arrived <= half;
  }

  /** Bytes were handed to the socket. */
  add(bytes: number, now: number): void {
    if (this.#sent === this.#arrived) this.#unconfirmedSince = now;
    this.#sentAt = now;
    this.#sent += bytes;
  }
}
