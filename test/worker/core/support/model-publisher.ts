// A model publisher: numbers its frames, keeps unacknowledged ones, obeys its window, resumes.
import { encodeMessage, Flag, FrameType, HEADER_BYTES } from "../../../../protocol/frame.ts";
import type { Publication } from "../../../../worker/core/attachment.ts";
import type { Made, Truth } from "./truth.ts";
import type { Message, Wire } from "./wire.ts";

type Numbering = { readonly epoch: string; readonly track: number; readonly base: number };

/** One producer's frames and its connection to the room. `base` is the sequence that index 0 of `#made` would have. */
export class ModelPublisher {
  readonly track: string;
  readonly #truth: Truth;
  /** null: dropped before it was sent. */
  readonly #made: (Made | null)[] = [];
  #acked = 0;
  #sent = 0;
  /** The highest frame that was ever sent. */
  #highest = 0;
  #window = 0;
  /** On the current connection. */
  #accepted = false;
  #numbering: Numbering | undefined;
  wire: Wire | undefined;
  /** It replaces the track's publisher. */
  takesOver = false;

  constructor(track: string, truth: Truth) {
    this.track = track;
    this.#truth = truth;
  }

  get publication(): Publication {
    const { epoch, base } = this.#numbering ?? {};
    const resume = epoch === undefined || base === undefined ? null : { epoch, sequence: base + this.#acked };
    return { track: this.track, resume, unacknowledged: this.#highest - this.#acked, takeover: this.takesOver };
  }

  get isDone(): boolean {
    return this.#acked === this.#made.length;
  }

  write(bytes: number, flags: number): void {
    const previous = this.#made.findLast((made) => made !== null && (made.flags & Flag.init) === 0) ?? undefined;
    this.#made.push(this.#truth.make(bytes, flags, previous));
  }

  /** `count` frames are lost before they reach the publisher. */
  drop(count: number): void {
    for (let index = 0; index < count; index++) this.#made.push(null);
  }

  /** Sends up to `frames` in one message, as the window allows. Returns true if it sent any. */
  send(frames: number): boolean {
    const numbering = this.#numbering;
    if (this.wire === undefined || numbering === undefined || this.#window === 0) return false;
    const inFlight = this.#cost(this.#acked, this.#sent);
    if (this.#made[this.#sent] === null) return this.#tellGap(numbering);
    const hole = this.#made.indexOf(null, this.#sent);
    const end = Math.min(this.#sent + frames, hole < 0 ? this.#made.length : hole);
    if (end === this.#sent || (inFlight > 0 && inFlight + this.#cost(this.#sent, end) > this.#window)) return false;
    this.wire.up.push(encodeMessage(this.#frames(this.#sent, end, numbering)));
    this.#sent = end;
    this.#highest = Math.max(this.#highest, end);
    return true;
  }

  sync(): void {
    if (this.#numbering === undefined || !this.#accepted) return;
    const sequence = this.#numbering.base + this.#sent;
    this.wire?.up.push(JSON.stringify({ type: "sync", sequence }));
  }

  lost(): void {
    this.wire = undefined;
    this.#window = 0;
    this.#accepted = false;
  }

  receive(message: Message): void {
    if (typeof message !== "string" || message === "pong") return;
    const said = JSON.parse(message);
    if (said.type === "ack") {
      this.#acked = Math.max(this.#acked, said.sequence - (this.#numbering?.base ?? 0));
      this.#window = said.window;
    }
    if (said.type === "init") this.#sendInit();
    if (said.type !== "publish") return;
    this.#accepted = true;
    const continues = this.#numbering?.epoch === said.epoch;
    const base = continues && this.#numbering ? this.#numbering.base : said.sequence - this.#acked;
    this.#numbering = { epoch: said.epoch, track: said.track, base };
    this.#acked = this.#sent = said.sequence - base;
    this.#window = said.window;
    if (said.init) this.#sendInit();
  }

  /** All frames that were dropped in a row are one gap (P7). */
  #tellGap({ base }: Numbering): true {
    const from = this.#sent;
    const end = this.#made.findIndex((made, index) => index > from && made !== null);
    this.#sent = end < 0 ? this.#made.length : end;
    this.#highest = Math.max(this.#highest, this.#sent);
    this.wire?.up.push(JSON.stringify({ type: "gap", from: base + from, to: base + this.#sent - 1, reason: "ingest" }));
    return true;
  }

  #frames(start: number, end: number, { epoch, track, base }: Numbering) {
    return this.#made.slice(start, end).flatMap((made, index) => {
      if (made === null) return [];
      const sequence = base + start + index;
      this.#truth.place(epoch, sequence, made);
      return [{ type: FrameType.frame, flags: made.flags, track, sequence, timestamp: 0, payload: made.payload }];
    });
  }

  #sendInit(): void {
    const init = this.#made.slice(0, this.#sent).findLast((made) => made !== null && (made.flags & Flag.init) !== 0);
    if (!init || this.#numbering === undefined) return;
    const { track } = this.#numbering;
    this.wire?.up.push(
      encodeMessage([
        { type: FrameType.init, flags: Flag.init, track, sequence: 0, timestamp: 0, payload: init.payload },
      ]),
    );
  }

  #cost(start: number, end: number): number {
    return this.#made
      .slice(start, end)
      .reduce((sum, made) => sum + (made === null ? 0 : made.payload.byteLength + HEADER_BYTES), 0);
  }
}
