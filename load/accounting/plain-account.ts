// The own publisher's frames that one plain subscriber got, across its connections. Only the end of a connection
// reports missing frames.
import type { Account, OnFrame } from "./account.ts";
import { addLedger, type Counts, runName } from "./counts.ts";
import { Ledger } from "./ledger.ts";
import { UnitReader } from "./unit-reader.ts";

/** The run of the own publisher's frames, by their indexes. */
export const PLAIN_RUN = runName("plain", "index");

/** The properties of the own frames that it needs. */
export interface OwnFrames {
  readonly bytes: number;
  /** The run in their stamps. */
  readonly run: number;
}

/** The account. Without own frames, it cannot tell frames apart, and counts nothing. */
export class PlainAccount implements Account {
  readonly start = undefined;
  readonly #reader: UnitReader | undefined;
  readonly #onFrame: OnFrame;
  #ledger: Ledger | undefined;
  /** The first frame of a connection has not arrived yet. */
  #isFirst = true;

  constructor(own: OwnFrames | undefined, onFrame: OnFrame) {
    this.#onFrame = onFrame;
    this.#reader = own && new UnitReader(0, own.bytes, (index, sentAt) => this.#unit(index, sentAt), own.run);
  }

  /** A connection begins with a frame. */
  opened(): void {
    this.#isFirst = true;
    this.#reader?.reset();
  }

  control(): void {}

  /** Any part of the stream, in order. Without own frames, it only notes that bytes arrived. */
  binary(bytes: Uint8Array): void {
    if (this.#reader === undefined) this.#onFrame(undefined);
    else this.#reader.take(bytes, 0, bytes.byteLength);
  }

  addTo(counts: Counts, isTold: boolean): void {
    if (this.#ledger !== undefined) addLedger(counts, PLAIN_RUN, this.#ledger, isTold);
  }

  #unit(index: number, sentAt: number): void {
    this.#ledger ??= new Ledger(index);
    // The end of the first connection reports the frames between two connections.
    if (this.#isFirst && index > 0) this.#ledger.gap(this.#ledger.position, index - 1);
    this.#isFirst = false;
    if (this.#ledger.frame(index)) this.#onFrame(sentAt);
  }
}
