// A subscriber for any target: a raw WebSocket and a ledger. In framed mode, it pings like the project's client.

import { Ledger } from "../../load/accounting/ledger.ts";
import { UnitReader } from "../../load/accounting/unit-reader.ts";
import { clientFrame, Opcode } from "../../load/client-frame.ts";
import { Wire } from "../../load/wire.ts";
import { PING, PONG } from "../../protocol/control.ts";
import { PING_EVERY_BYTES } from "../../protocol/limits.ts";
import type { Target } from "../targets/target.ts";

const WELCOME_HEAD = '{"type":"welcome",';
const MESSAGE_HEAD = '{"type":"message",';
const PING_FRAME = clientFrame(Opcode.text, new TextEncoder().encode(PING));

/** One subscriber. */
export class BenchSubscriber {
  readonly ledger = new Ledger();
  /** The connection's id, from a room that sends one. */
  id: string | undefined;
  /** How the connection ended, if it did. */
  ended: string | undefined;
  /** The number of members' messages that it got. */
  memberMessages = 0;
  /** Called when something has arrived. */
  onProgress: () => void = () => {};
  /** Called for each frame with the time of its stamp. */
  onFrame: ((sentAt: number) => void) | undefined;
  readonly #target: Target;
  readonly #reader: UnitReader;
  #wire: Wire | undefined;
  #sincePong = 0;
  #asked = false;

  private constructor(target: Target, payloadBytes: number) {
    this.#target = target;
    this.#reader = new UnitReader(target.headerBytes, payloadBytes, (index, sentAt) => {
      this.ledger.frame(index);
      this.onFrame?.(sentAt);
    });
  }

  /** Resolves when it takes part. */
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

  /** True if one of its pings is unanswered. */
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

  /** Stops reading. */
  stall(): void {
    this.#wire?.stall();
  }

  /** Resumes reading. */
  resume(): void {
    this.#wire?.resume();
  }

  leave(): void {
    this.#wire?.destroy();
  }

  #data(chunk: Buffer, start: number, end: number): void {
    this.#reader.take(chunk, start, end);
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
    } else if (text.startsWith(WELCOME_HEAD)) {
      this.id = (JSON.parse(text) as { connection: string }).connection;
    } else if (text.includes('"type":"gap"')) {
      const { from, to } = JSON.parse(text) as { from: number; to: number };
      this.ledger.gap(from, to);
      this.onProgress();
    }
  }
}

/** Joins `count` subscribers, `atATime` at a time. */
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
