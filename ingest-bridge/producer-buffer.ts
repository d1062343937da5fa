// The bytes of one accepted producer on their way: from its socket, through its splitter, into its publisher.
import type { Publisher } from "../client/index.ts";
import type { SplitFrame, Splitter } from "../protocol/splitter.ts";
import type { Account } from "./budget.ts";
import { BridgeRefusal } from "./error-line.ts";
import type { Gatherer } from "./gatherer.ts";
import type { Metrics } from "./metrics.ts";
import { NOTHING_YET, type Reader } from "./socket-reader.ts";

/** Where the bytes come from and go to. */
export interface Way {
  readonly reader: Reader;
  readonly gatherer: Gatherer;
  readonly splitter: Splitter;
  /** What is pushed at once: of records that may be of no byte, a large read would make more frames than there is room for. */
  readonly pieceBytes: number;
  readonly publisher: Publisher;
  readonly account: Account;
  readonly metrics: Metrics;
  /** How long the producer may be silent while it is read, seconds; 0: for ever. */
  readonly idleTimeout: number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** Moves bytes as fast as the room takes them; holds one read. */
export class Intake {
  readonly #way: Way;
  #bytes = 0;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Bytes read from the producer so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Publishes `rest` and all that follows, to the end of the stream or `signal`. Rejects with `ProtocolError` or
   * `BridgeRefusal` behind the last good frame, and with the publisher's error where nothing can be published.
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
    await this.#publish(splitter.end());
    if (splitter.failure !== undefined) throw splitter.failure;
  }

  async #push(piece: Uint8Array): Promise<void> {
    const { splitter, gatherer, account } = this.#way;
    const frames = splitter.push(piece);
    gatherer.mark();
    await this.#publish(frames);
    if (splitter.failure !== undefined) throw splitter.failure;
    if (!account.held(splitter.heldBytes)) {
      throw new BridgeRefusal("bridge_full", "no memory is left for a frame that is not complete");
    }
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
