// A subscriber of any target: a raw WebSocket and a ledger. In framed mode it pings as the project's client does.
import { PING, PONG } from "../../protocol/control.ts";
import { PING_EVERY_BYTES } from "../../protocol/limits.ts";
import type { Target } from "../targets/target.ts";
import { clientFrame, Opcode } from "./client-frame.ts";
import { Ledger } from "./ledger.ts";
import { Wire } from "./wire.ts";

const MESSAGE_HEAD = '{"type":"message",';
const PING_FRAME = clientFrame(Opcode.text, new TextEncoder().encode(PING));

/** One subscriber. */
export class BenchSubscriber {
  readonly ledger: Ledger;
  /** How the connection ended, where it did. */
  ended: string | undefined;
  /** Members' messages that it was sent. */
  memberMessages = 0;
  /** Called when something came. */
  onProgress: () => void = () => {};
  readonly #target: Target;
  #wire: Wire | undefined;
  #sincePong = 0;
  #asked = false;

  private constructor(target: Target, payloadBytes: number) {
    this.#target = target;
    this.ledger = new Ledger(target.headerBytes, payloadBytes);
  }

  /** Resolves once it takes part. */
  static async join(target: Target, payloadBytes: number): Promise<BenchSubscriber> {
    const subscriber = new BenchSubscriber(target, payloadBytes);
    subscriber.#wire = await Wire.open(target.subscriber, {
      data: (chunk, start, end) => subscriber.#data(chunk, start, end),
      text: (message) => subscriber.#text(message),
      closed: (code, reason) => {
        subscriber.ended ??= `${code} ${reason}`;
      },
    });
    return subscriber;
  }

  /** Is a ping of it unanswered? */
  get isAsking(): boolean {
    return this.#asked;
  }

  /** Binary messages received so far. */
  get messages(): number {
    return this.#wire?.messages ?? 0;
  }

  /** `PING_EVERY_MS` have passed. */
  beat(): void {
    if (this.#target.pings && !this.#asked) this.#ping();
  }

  /** Reads no more. */
  stall(): void {
    this.#wire?.stall();
  }

  /** Reads again. */
  resume(): void {
    this.#wire?.resume();
  }

  leave(): void {
    this.#wire?.destroy();
  }

  #data(chunk: Buffer, start: number, end: number): void {
    this.ledger.take(chunk, start, end);
    this.onProgress();
    if (!this.#target.pings) return;
    this.#sincePong += end - start;
    if (!this.#asked && this.#sincePong >= PING_EVERY_BYTES) this.#ping();
  }

  #ping(): void {
    this.#asked = true;
    this.#sincePong = 0;
    this.#wire?.sendFrame(PING_FRAME);
  }

  #text(text: string): void {
    if (text === PONG) this.#asked = false;
    else if (text.startsWith(MESSAGE_HEAD)) {
      this.memberMessages++;
      this.onProgress();
    } else if (text.includes('"type":"gap"')) {
      const { from, to } = JSON.parse(text) as { from: number; to: number };
      this.ledger.gap(from, to);
      this.onProgress();
    }
  }
}

/** `count` subscribers, joined `atATime`. */
export async function joinAll(
  target: Target,
  count: number,
  payloadBytes: number,
  atATime = 25,
): Promise<BenchSubscriber[]> {
  const joined: BenchSubscriber[] = [];
  while (joined.length < count) {
    const batch = Array.from({ length: Math.min(atATime, count - joined.length) }, () =>
      BenchSubscriber.join(target, payloadBytes),
    );
    joined.push(...(await Promise.all(batch)));
  }
  return joined;
}
