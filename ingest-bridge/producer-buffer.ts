// Moves the bytes of one accepted producer from its socket, through its splitter, into its publisher.
import type { Publisher } from "../client/index.ts";
import type { SplitFrame, Splitter } from "../protocol/splitter.ts";
import type { Account } from "./budget.ts";
import { BridgeRefusal } from "./error-line.ts";
import type { Gatherer } from "./gatherer.ts";
import type { Metrics } from "./metrics.ts";
import { NOTHING_YET, type Reader } from "./socket-reader.ts";

/** The source and the destination of the bytes. */
export interface Way {
  readonly reader: Reader;
  readonly gatherer: Gatherer;
  readonly splitter: Splitter;
  /**
   * The bytes that are pushed at once. Records may be empty, so a large read could make more frames than there is space
   * for.
   */
  readonly pieceBytes: number;
  readonly publisher: Publisher;
  /** The splitter's detected format becomes the track's format, because the producer named none. */
  readonly tellsFormat: boolean;
  readonly account: Account;
  readonly metrics: Metrics;
  /** Seconds for which a producer may be silent while it is being read; 0: no limit. */
  readonly idleTimeout: number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** Moves bytes as fast as the room accepts them; holds one read. */
export class Intake {
  readonly #way: Way;
  #bytes = 0;
  #format: string | undefined;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Bytes read from the producer so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Publishes `rest` and all further bytes, up to the end of the stream or `signal`. Rejects with `ProtocolError` or
   * `BridgeRefusal` after the last valid frame, and with the publisher's error if nothing can be published.
   */
  async run(rest: Uint8Array): Promise<void> {
    const { splitter, pieceBytes, metrics } = this.#way;
    for (let chunk: Uint8Array | undefined = rest; chunk !== undefined; chunk = await this.#next()) {
      this.#bytes += chunk.byteLength;
      metrics.bytes.inc(chunk.byteLength);
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        if (at > 0) await this.#room();
        await this.#push(chunk.subarray(at, at + pieceBytes));
      }
    }
    const last = splitter.end();
    this.#tellFormat();
    await this.#publish(last);
    if (splitter.failure !== undefined) throw splitter.failure;
  }

  async #push(piece: Uint8Array): Promise<void> {
    const { splitter, gatherer, account } = this.#way;
    const frames = splitter.push(piece);
    gatherer.mark();
    this.#tellFormat();
    await this.#publish(frames);
    if (splitter.failure !== undefined) throw splitter.failure;
    if (!account.held(splitter.heldBytes)) {
      throw new BridgeRefusal("bridge_full", "no memory is left for an incomplete frame");
    }
  }

  #tellFormat(): void {
    const { splitter, publisher, tellsFormat } = this.#way;
    if (!tellsFormat || splitter.format === undefined || splitter.format === this.#format) return;
    this.#format = splitter.format;
    publisher.setFormat(splitter.format);
  }

  #room(): Promise<void> {
    const { account, metrics, signal } = this.#way;
    return metrics.whileBlocked(account.room(signal));
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { reader, gatherer, splitter, idleTimeout } = this.#way;
    await this.#room();
    const chunk = idleTimeout === 0 ? await reader.next() : await reader.nextWithin(idleTimeout * 1000);
    if (chunk === NOTHING_YET) throw new BridgeRefusal("idle_timeout", `no byte within ${idleTimeout} s`);
    return chunk !== undefined && splitter.isShapeless ? gatherer.gather(chunk) : chunk;
  }

  async #publish(frames: readonly SplitFrame[]): Promise<void> {
    const { publisher, metrics } = this.#way;
    metrics.frames.inc(frames.length);
    await metrics.whileBlocked(publisher.write(frames));
  }
}
