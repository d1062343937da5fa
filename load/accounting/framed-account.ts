// The frames of one framed subscriber, by track and epoch, across its connections.
import type { ServerMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { Flag, FrameType, type FrameView, readMessage } from "../../protocol/frame.ts";
import { formatPosition } from "../../protocol/position.ts";
import type { Account, OnFrame } from "./account.ts";
import { addLedger, type Counts, runName } from "./counts.ts";
import { Ledger } from "./ledger.ts";
import { isStamp, STAMP_BYTES, stampTime } from "./stamp.ts";

/** A track in an epoch. */
interface Run {
  readonly track: string;
  readonly epoch: string;
  readonly ledger: Ledger;
}

/** The account. Finished runs go into `past`, which all subscribers share. */
export class FramedAccount implements Account {
  readonly #past: Counts;
  readonly #stamps: number;
  readonly #onFrame: OnFrame;
  /** By name. Survives connections. */
  readonly #runs = new Map<string, Run>();
  /** By number, for the current connection. */
  #numbers: (Run | undefined)[] = [];

  /** `stamps`: the run in the stamps of the load's own publisher. */
  constructor(past: Counts, stamps: number, onFrame: OnFrame) {
    this.#past = past;
    this.#stamps = stamps;
    this.#onFrame = onFrame;
  }

  get start(): string | undefined {
    if (this.#runs.size === 0) return undefined;
    const positions = [...this.#runs.values()].map(
      ({ track, epoch, ledger }) => `${track}:${formatPosition({ epoch, sequence: ledger.position })}`,
    );
    return positions.join(",");
  }

  opened(): void {
    this.#numbers = [];
  }

  control(message: ServerMessage): void {
    if (message.type === "track") this.#announce(message);
    else if (message.type === "gap") this.#gap(message);
  }

  binary(message: Uint8Array): void {
    const frames = readMessage(message);
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    for (const frame of frames) {
      if (!this.#frame(frame)) continue;
      const isOwn = frame.end - frame.start >= STAMP_BYTES && isStamp(view, frame.start, this.#stamps);
      this.#onFrame(isOwn ? stampTime(view, frame.start) : undefined);
    }
  }

  addTo(counts: Counts, isTold: boolean): void {
    for (const { track, epoch, ledger } of this.#runs.values()) {
      addLedger(counts, runName(track, epoch), ledger, isTold);
    }
  }

  /** Returns true if the frame has data and is not a duplicate. */
  #frame({ type, flags, track, sequence, start, end }: FrameView): boolean {
    const run = this.#numbers[track];
    if (run === undefined) throw new ProtocolError("frame_bad_track", "a track that was not announced");
    if (type !== FrameType.frame) return false;
    const isMark = (flags & Flag.end) !== 0 && start === end;
    if (isMark) run.ledger.mark(sequence);
    return !isMark && run.ledger.frame(sequence);
  }

  /** In a known epoch, the expectation stays: anything that the room leaves out is a hole, announced or not. */
  #announce({ track: number, name, epoch, sequence }: ServerMessage & { type: "track" }): void {
    let run = this.#runs.get(name);
    if (run?.epoch !== epoch) {
      if (run !== undefined) this.#end(run, false);
      run = { track: name, epoch, ledger: new Ledger(sequence) };
      this.#runs.set(name, run);
    }
    this.#numbers[number] = run;
  }

  #gap({ name, epoch, from, to }: ServerMessage & { type: "gap" }): void {
    this.#past.gaps++;
    const run = this.#runs.get(name);
    if (run?.epoch !== epoch) return;
    if (to !== null) return run.ledger.gap(from, to);
    run.ledger.skip(from);
    this.#end(run, true);
    this.#runs.delete(name);
  }

  #end({ track, epoch, ledger }: Run, isTold: boolean): void {
    addLedger(this.#past, runName(track, epoch), ledger, isTold);
  }
}
