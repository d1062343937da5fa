// A camera's stream, in real time, into a room of a bare workerd.

import { BenchPublisher } from "../../bench/load/publisher.ts";
import { BenchSubscriber } from "../../bench/load/subscriber.ts";
import type { RoomcastTarget } from "../../bench/targets/roomcast.ts";
import { PING_EVERY_MS } from "../../protocol/limits.ts";
import { waitFor } from "./wait.ts";

/** The properties of the stream. */
export interface Pace {
  readonly payloadBytes: number;
  readonly framesPerSecond: number;
  readonly groupFrames: number;
}

/** A publisher, and viewers that ping like clients. */
export class LiveStream implements Disposable {
  readonly publisher: BenchPublisher;
  readonly #payloadBytes: number;
  readonly #viewers: BenchSubscriber[] = [];
  readonly #timers: NodeJS.Timeout[];
  /** The reason why the publisher could not continue. */
  #fault: unknown;

  private constructor(publisher: BenchPublisher, pace: Pace) {
    this.publisher = publisher;
    this.#payloadBytes = pace.payloadBytes;
    const publish = () => {
      try {
        if (publisher.isReady) publisher.publish(1);
      } catch (error) {
        this.#fault ??= error;
      }
    };
    const beat = () => {
      for (const viewer of this.#viewers) viewer.beat();
    };
    this.#timers = [setInterval(publish, 1000 / pace.framesPerSecond), setInterval(beat, PING_EVERY_MS)];
  }

  static async start(target: RoomcastTarget, pace: Pace): Promise<LiveStream> {
    return new LiveStream(await BenchPublisher.join(target, pace.payloadBytes, pace.groupFrames), pace);
  }

  /** A viewer; `port`: that of a proxy in between. It gets everything from its join on. */
  async view(target: RoomcastTarget, port = target.subscriber.port): Promise<BenchSubscriber> {
    const viewer = await BenchSubscriber.join(
      { ...target, subscriber: { ...target.subscriber, port } },
      this.#payloadBytes,
    );
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Stops the source, and waits until `viewer` is at the end. Throws if the room has closed the publisher. */
  async end(viewer: BenchSubscriber): Promise<void> {
    clearInterval(this.#timers[0]);
    if (this.#fault !== undefined) throw this.#fault;
    await waitFor("the viewer to be at the end", () => viewer.ledger.position === this.publisher.published, 20_000);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const one of [this.publisher, ...this.#viewers]) one.leave();
  }
}
