// A publisher for any target. For Roomcast, it speaks the protocol and respects its window; for the others, a message
// is a payload.
import { type Deferred, deferred } from "../../client/deferred.ts";
import { stampedPayload } from "../../load/accounting/stamp.ts";
import { Wire } from "../../load/wire.ts";
import { encodeMessage, Flag, FrameType, HEADER_BYTES } from "../../protocol/frame.ts";
import type { Target } from "../targets/target.ts";

/** The default number of frames in a group. */
const GROUP_FRAMES = 30;

/** The publisher's interface for the generator. */
export interface Source {
  /** Frames published so far. */
  readonly published: number;
  /** True if it may publish now. */
  readonly isReady: boolean;
  /** Called when `isReady` may have changed. */
  onReady: () => void;
  /** Publishes the next frames, stamped with the time of the call. */
  publish(frames: number): void;
  leave(): void;
}

/** One publisher on a WebSocket. */
export class BenchPublisher implements Source {
  published = 0;
  onReady: () => void = () => {};
  readonly #isRoomcast: boolean;
  readonly #payloadBytes: number;
  readonly #groupFrames: number;
  readonly #accepted: Deferred<void> = deferred();
  #wire: Wire | undefined;
  #ended: string | undefined;
  /** The track's number in headers. */
  #track = 0;
  #acknowledged = 0;
  #window = Number.POSITIVE_INFINITY;

  private constructor(target: Target, payloadBytes: number, groupFrames: number) {
    this.#isRoomcast = target.isRoomcast;
    this.#payloadBytes = payloadBytes;
    this.#groupFrames = groupFrames;
  }

  /** Resolves when the room accepts it. */
  static async join(target: Target, payloadBytes: number, groupFrames = GROUP_FRAMES): Promise<BenchPublisher> {
    const publisher = new BenchPublisher(target, payloadBytes, groupFrames);
    publisher.#wire = await Wire.open(target.publisher, {
      data: () => {},
      text: (message) => publisher.#text(message),
      closed: (code, reason) => publisher.#closed(`${code} ${reason}`),
    });
    if (target.isRoomcast) await publisher.#accepted.promise;
    return publisher;
  }

  get isReady(): boolean {
    if (this.#ended !== undefined) throw new Error(`the publisher's connection ended: ${this.#ended}`);
    const onTheirWay = (this.published - this.#acknowledged) * (HEADER_BYTES + this.#payloadBytes);
    return onTheirWay < this.#window;
  }

  publish(frames: number): void {
    if (this.#isRoomcast) this.#publishFrames(frames);
    else for (let count = 0; count < frames; count++) this.#wire?.sendBinary(this.#nextPayload());
  }

  leave(): void {
    this.#wire?.destroy();
  }

  #publishFrames(count: number): void {
    const frames = Array.from({ length: count }, () => {
      const sequence = this.published;
      const flags = sequence % this.#groupFrames === 0 ? Flag.key : 0;
      const payload = this.#nextPayload();
      return { type: FrameType.frame, flags, track: this.#track, sequence, timestamp: Date.now(), payload };
    });
    this.#wire?.sendBinary(encodeMessage(frames));
  }

  #nextPayload(): Uint8Array {
    return stampedPayload(this.#payloadBytes, this.published++, performance.now());
  }

  #text(text: string): void {
    if (!this.#isRoomcast) return;
    const message = JSON.parse(text) as { type: string; track?: number; sequence: number; window: number };
    if (message.type !== "publish" && message.type !== "ack") return;
    this.#acknowledged = message.sequence;
    this.#window = message.window;
    this.#track = message.track ?? this.#track;
    if (message.type === "publish") this.#accepted.resolve();
    this.onReady();
  }

  #closed(how: string): void {
    this.#ended ??= how;
    this.#accepted.reject(new Error(`the publisher was not accepted: ${how}`));
    this.onReady();
  }
}
