// One connection: its owner, and its sink. Everything that the room sends goes through it, so that it is counted.
import type { CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { PING_EVERY_BYTES } from "../../protocol/limits.ts";
import type { Attachment, Who } from "./attachment.ts";
import type { ByteBudget, Holder } from "./byte-budget.ts";
import { type Congestion, SendWindow, type Signals } from "./send-window.ts";
import type { Sink } from "./sink.ts";
import { SEGMENT_MS, type Tuning } from "./tuning.ts";

/** The role of a connection. */
export type Role = "publish" | "subscribe";

/** The identity of a connection, from the room and from its credential. */
export interface Identity {
  readonly id: string;
  readonly role: Role;
  /** True: frames and control messages; false: only payload bytes, without any messages. */
  readonly framed: boolean;
  readonly who: Who;
  /** How soon after a pong its client pings while it receives; undefined: unknown. */
  readonly pingMs?: number | undefined;
}

/** Whether a frame may be sent now. `full`: only after something has drained. */
export type Gate = "open" | "full" | Exclude<Congestion, "none">;

/** A client that does not ping has read if this much more than socket buffers hold has left the process. */
const READ_BYTES = 8 * 1024 * 1024;

/** One connection of a room. It decides about each send by the bytes on their way, here and in the whole room. */
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
  /** The result of this turn's look, updated with later sends. */
  #turn: { -readonly [Name in keyof Signals]: Signals[Name] } | undefined;
  /** The bytes that recently did not fit: until there is space for them, no further check is needed. */
  #wanted = 1;
  #heardAt: number;
  /** The close that follows when its queue has drained. */
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
    // After sleep: the last sign of life of a client that pings is known.
    this.#heardAt = sink.lastPong() === undefined ? now : 0;
    this.measure();
  }

  /** Total bytes of frames sent. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes queued in this process; if the runtime cannot tell, the unconfirmed bytes. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** Bytes on their way to the client, as far as known. */
  inFlight(now: number): number {
    return this.#window.inFlight(this.#signals(now));
  }

  lastPong(): number | undefined {
    return this.#sink.lastPong();
  }

  /** A message arrived. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** The time of its last sign of life, a message or a ping; ms since 1970. */
  get silentSince(): number {
    return Math.max(this.#heardAt, this.#sink.lastPong() ?? 0);
  }

  /**
   * True if a framed client has given no sign of life for too long. A plain client need not give any. A client that
   * pings and has much to read does not ping while it is behind: it is late, and is closed as slow in time.
   */
  isSilent(now: number): boolean {
    const isBehind = this.#window.pings && this.#window.unconfirmed > this.#tuning.lateFloorBytes;
    return this.framed && !isBehind && now - this.silentSince > this.#tuning.silentMs;
  }

  /** The maximum size of a run of frames in one message to it. */
  get chunkBytes(): number {
    return this.#budget.chunkBytes(this.#reads);
  }

  /** Begins a turn of several sends. Nothing else happens meanwhile, so one look is enough. */
  beginTurn(): void {
    this.#turn = undefined;
  }

  /** Decides whether frames of this many bytes may be sent now. */
  gate(bytes: number, now: number): Gate {
    this.#turn ??= this.#look(now);
    const signals = this.#turn;
    const congestion = this.#window.congestion(signals);
    if (congestion !== "none") return congestion;
    if (this.#hasRoom(bytes)) return "open";
    this.#wanted = bytes;
    const mayDrain = signals.buffered !== undefined || this.#window.pings;
    return mayDrain || !this.#window.isStuck(now, this.#tuning.lateMs) ? "full" : "unproven";
  }

  /** True if data that did not fit may be sent now, by the last look. Cheaper than `gate`, and not final. */
  isFree(now: number): boolean {
    if (this.#hasRoom(this.#wanted)) return true;
    if (this.#queued > 0 || this.#reads || !this.#budget.allows(this.#wanted, true)) return false;
    // Only a sign that it reads is missing: its pong may have arrived.
    this.#look(now);
    return this.#reads;
  }

  /** True if the data that made it late has got through. */
  drained(now: number): boolean {
    return this.#window.drained(this.#look(now));
  }

  /** True if nothing has got through for `ms` while there is something on its way. */
  isStuck(now: number, ms: number): boolean {
    this.#look(now);
    return this.#window.isStuck(now, ms);
  }

  /** True if a text of this many bytes, which can wait or be dropped, may be sent now. */
  takesText(bytes: number, queueBytes: number): boolean {
    this.measure();
    return this.#queued <= queueBytes && this.#budget.allows(bytes, false);
  }

  /** Sends frames. The caller has asked `gate`. */
  send(bytes: Uint8Array, now: number): void {
    this.#sink.send(bytes);
    this.#window.add(bytes.byteLength, now);
    if (this.#turn?.buffered !== undefined) this.#turn.buffered += bytes.byteLength;
    this.#wanted = 1;
    this.#sentBytes += bytes.byteLength;
    this.#hold(this.#queued + bytes.byteLength);
  }

  /** Sends a control message to a framed client. A plain client gets none. */
  tell(message: ServerMessage): void {
    if (this.framed) this.sendText(JSON.stringify(message));
  }

  /** Tells a relay the age of the frames in the next message, so that it keeps them no longer than its parent. */
  tellAge(ms: number): void {
    if (ms >= SEGMENT_MS) this.sendText(JSON.stringify({ type: "past", ms }));
  }

  /** Sends a text; `bytes`: its size in UTF-8, if it is not ASCII. */
  sendText(text: string, bytes = text.length): void {
    this.#sink.send(text);
    this.#window.addText(bytes);
    if (this.#sink.bufferedBytes() !== undefined) this.#hold(this.#queued + bytes);
  }

  /** Stores the state that must survive the room's sleep. */
  save(state: Attachment): void {
    this.#sink.save(state);
  }

  /**
   * Closes it, behind the queue. Until the queue has drained, the socket stays open: the platform reports that the peer
   * of an open socket has gone, but not always for a closed one. The queue counts until then.
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

  /** The peer is gone, and so is its queue. */
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
    return this.#window.pings
      ? this.#window.confirms(this.#tuning.blockBytes + 2 * PING_EVERY_BYTES)
      : this.#window.sent > READ_BYTES;
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
