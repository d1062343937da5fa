// One connection: whose it is, and its way out. Everything that the room sends goes through here, so that it is counted.
import type { CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import type { Attachment, Who } from "./attachment.ts";
import type { ByteBudget, Holder } from "./byte-budget.ts";
import { type Congestion, SendWindow, type Signals } from "./send-window.ts";
import type { Sink } from "./sink.ts";
import type { Tuning } from "./tuning.ts";

/** What a connection is for. */
export type Role = "publish" | "subscribe";

/** Identity of a connection, as the room minted it and its credential says. */
export interface Identity {
  readonly id: string;
  readonly role: Role;
  /** Frames and control messages; else payload bytes alone, and nothing can be told. */
  readonly framed: boolean;
  readonly who: Who;
  /** How soon after a pong its client pings while it receives; undefined: it does not say. */
  readonly pingMs?: number | undefined;
}

/** Whether a frame may be sent now: `full`: not before something has drained. */
export type Gate = "open" | "full" | Exclude<Congestion, "none">;

/** A client that does not ping has read, where so much more than socket buffers hold has left the process. */
const READ_BYTES = 8 * 1024 * 1024;

/** One connection of a room. It decides about each send from what is on its way, here and in the room as a whole. */
export class Connection implements Holder {
  readonly id: string;
  readonly role: Role;
  readonly framed: boolean;
  who: Who;
  readonly #sink: Sink;
  readonly #tuning: Tuning;
  readonly #budget: ByteBudget;
  readonly #window: SendWindow;
  #sentBytes = 0;
  /** Bytes queued in this process, as of the last look. */
  #queued = 0;
  #heardAt: number;
  /** How it will be closed once its queue has drained. */
  #closing: { readonly code: number; readonly text: string } | undefined;

  constructor(
    { id, role, framed, who, pingMs }: Identity,
    sink: Sink,
    tuning: Tuning,
    budget: ByteBudget,
    now: number,
  ) {
    this.id = id;
    this.role = role;
    this.framed = framed;
    this.who = who;
    this.#sink = sink;
    this.#tuning = tuning;
    this.#budget = budget;
    this.#window = new SendWindow(tuning, now, pingMs);
    // After sleep: when a client that pings was last there is known.
    this.#heardAt = sink.lastPong() === undefined ? now : 0;
    this.measure();
  }

  /** Bytes of frames sent in all. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes queued in this process; where the runtime cannot tell, those that are not confirmed. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** Bytes on their way to the client, as far as it is known. */
  inFlight(now: number): number {
    return this.#window.inFlight(this.#signals(now));
  }

  lastPong(): number | undefined {
    return this.#sink.lastPong();
  }

  /** A message came. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** When it last gave a sign of life, by a message or a ping; ms since 1970. */
  get silentSince(): number {
    return Math.max(this.#heardAt, this.#sink.lastPong() ?? 0);
  }

  /**
   * Has a framed client given no sign of life for too long? A plain one need not give any; one that pings, and has much to
   * read, does not while it is behind: it is late, and closed as slow in time.
   */
  isSilent(now: number): boolean {
    const isBehind = this.#window.pings && this.#window.unconfirmed > this.#tuning.lateFloorBytes;
    return this.framed && !isBehind && now - this.silentSince > this.#tuning.silentMs;
  }

  /** How large a run of frames may be in one message to it. */
  get chunkBytes(): number {
    return this.#budget.chunkBytes(this.#reads);
  }

  /** May a frame, or a run of them, of so many bytes be sent now? */
  gate(bytes: number, now: number): Gate {
    const signals = this.#look(now);
    const congestion = this.#window.congestion(signals);
    if (congestion !== "none") return congestion;
    if (this.#hasRoom(bytes)) return "open";
    const mayDrain = signals.buffered !== undefined || this.#window.pings;
    return mayDrain || !this.#window.isStuck(now, this.#tuning.lateMs) ? "full" : "unproven";
  }

  /** May something be sent, as far as the queues tell? Cheaper than `gate`, and not the last word. */
  get isFree(): boolean {
    this.measure();
    return this.#hasRoom(1);
  }

  /** Has what made it late got through? */
  drained(now: number): boolean {
    return this.#window.drained(this.#look(now));
  }

  /** Has nothing got through for `ms`, while there is something on its way? */
  isStuck(now: number, ms: number): boolean {
    this.#look(now);
    return this.#window.isStuck(now, ms);
  }

  /** May a text of so many bytes be sent now, that can wait or be left out? */
  takesText(bytes: number, queueBytes: number): boolean {
    this.measure();
    return this.#queued <= queueBytes && this.#budget.allows(bytes, false);
  }

  /** Sends frames. The caller asked `gate`. */
  send(bytes: Uint8Array, now: number): void {
    this.#sink.send(bytes);
    this.#window.add(bytes.byteLength, now);
    this.#sentBytes += bytes.byteLength;
    this.#hold(this.#queued + bytes.byteLength);
  }

  /** Tells a framed client; to a plain one text means nothing. */
  tell(message: ServerMessage): void {
    if (this.framed) this.sendText(JSON.stringify(message));
  }

  /** Sends a text; `bytes`: as UTF-8, where it is not ASCII. */
  sendText(text: string, bytes = text.length): void {
    this.#sink.send(text);
    this.#window.addText(bytes);
    if (this.#sink.bufferedBytes() !== undefined) this.#hold(this.#queued + bytes);
  }

  /** Keeps what must survive the room's sleep. */
  save(state: Attachment): void {
    this.#sink.save(state);
  }

  /**
   * Closes it, behind what is queued. Until that has drained the socket stays open: the platform tells of an open one
   * whether its peer has gone, of a closed one not always. What is queued counts until then.
   */
  close({ code }: CloseReason, text: string): void {
    this.#closing = { code, text };
    this.measure();
    if (this.#closing !== undefined && this.#sink.bufferedBytes() === undefined) this.#closeNow();
  }

  /** Looks how much is queued. */
  measure(): void {
    this.#note(this.#sink.bufferedBytes());
  }

  /** The peer is gone, and what was queued for it. */
  gone(): void {
    this.#closing = undefined;
    this.#hold(0);
  }

  #closeNow(): void {
    if (this.#closing === undefined) return;
    this.#sink.close(this.#closing.code, this.#closing.text);
    this.#closing = undefined;
  }

  get #reads(): boolean {
    if (this.#queued > 0) return false;
    return this.#window.pings ? this.#window.confirms(2 * this.#tuning.blockBytes) : this.#window.sent > READ_BYTES;
  }

  #hasRoom(bytes: number): boolean {
    const fits = this.#queued === 0 || this.#queued + bytes <= this.#tuning.queueBytes;
    return fits && this.#budget.allows(bytes, this.#reads);
  }

  #look(now: number): Signals {
    const signals = this.#signals(now);
    this.#window.observe(signals);
    this.#note(signals.buffered);
    return signals;
  }

  #note(buffered: number | undefined): void {
    this.#hold(buffered ?? (this.#window.pings ? this.#window.unconfirmed : this.#queued));
    if (buffered === 0) this.#closeNow();
  }

  #signals(now: number): Signals {
    return { now, pongAt: this.#sink.lastPong(), buffered: this.#sink.bufferedBytes() };
  }

  #hold(bytes: number): void {
    if (bytes === this.#queued) return;
    this.#budget.move(this, this.#queued, bytes);
    this.#queued = bytes;
  }
}
