// Many producers, each in its own room, through one bridge; and connections that never finish their line.
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Producer } from "../ingest-bridge/support/producer.ts";
import { startBridgeProcess } from "./bridge.ts";
import { createRoom, startTestRuntime } from "./local-room.ts";
import { memoryOf } from "./processes.ts";
import { produce } from "./producer.ts";
import { PlainSubscriber } from "./subscribers.ts";
import { waitFor } from "./wait.ts";

const JOINS_AT_A_TIME = 20;
const JOIN_EVERY_MS = 40;
/** 8 kbit/s each. */
const WRITE_BYTES = 200;
const WRITE_MS = 200;

/** The result of a run. `lost`: producers with missing bytes. */
export interface ManyReport {
  readonly producers: number;
  readonly bytes: number;
  readonly lost: number;
  readonly bridgeRss: number;
  /** The answers to the slow connections. */
  readonly lorisAnswers: readonly string[];
}

/** Runs it for `seconds`, with a subscriber in every room. */
export async function manyProducers(producers: number, seconds: number, loris: number): Promise<ManyReport> {
  const runtime = await startTestRuntime();
  await using bridge = await startBridgeProcess(runtime.url, ["--max-connections", "8192"]);
  try {
    const slow = await Promise.all(Array.from({ length: loris }, () => SlowLoris.connect(bridge.port)));
    const rooms = await inTurns(producers, async () => {
      const { room, tokens } = await createRoom(runtime.url);
      const subscriber = await PlainSubscriber.join({ url: runtime.url, room, token: tokens.subscribe });
      return { room, token: tokens.publish, subscriber };
    });
    const accepted = new Gate(producers);
    const runs = rooms.map(async ({ room, token, subscriber }, index) => {
      await sleep(index * JOIN_EVERY_MS);
      const bytes = await produce(bridge.port, { room, token }, trickle(seconds, accepted));
      await waitFor(`${bytes} bytes`, () => subscriber.bytes >= bytes, 60_000);
      return { bytes, isWhole: subscriber.bytes === bytes };
    });
    await Promise.race([accepted.opened, Promise.all(runs)]);
    await sleep(seconds * 500);
    const bridgeRss = memoryOf(bridge.process.pid, "VmRSS");
    const done = await Promise.all(runs);
    const lorisAnswers = await Promise.all(slow.map((one) => one.answer()));
    for (const { subscriber } of rooms) await subscriber[Symbol.asyncDispose]();
    return {
      producers,
      bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
      lost: done.filter(({ isWhole }) => !isWhole).length,
      bridgeRss,
      lorisAnswers,
    };
  } finally {
    await runtime.close();
  }
}

/** Begins when all producers are accepted, so that all are connected at the same time. */
async function* trickle(seconds: number, accepted: Gate): AsyncGenerator<Uint8Array> {
  await accepted.arrive();
  for (let index = 0; index < (seconds * 1000) / WRITE_MS; index++) {
    yield new Uint8Array(WRITE_BYTES).fill(index);
    await sleep(WRITE_MS);
  }
}

/** Opens after this number of arrivals. */
class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => {};
  #missing: number;

  constructor(count: number) {
    this.#missing = count;
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  arrive(): Promise<void> {
    if (--this.#missing === 0) this.#open();
    return this.opened;
  }
}

async function inTurns<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) {
    const some = Math.min(JOINS_AT_A_TIME, count - all.length);
    all.push(...(await Promise.all(Array.from({ length: some }, make))));
  }
  return all;
}

/** Sends its line letter by letter, and never finishes it. */
class SlowLoris {
  readonly #producer: Producer;
  readonly #timer: NodeJS.Timeout;

  private constructor(producer: Producer) {
    this.#producer = producer;
    let at = 0;
    this.#timer = setInterval(() => producer.socket.write("ROOMCAST/1 room=demo "[at++] ?? "x"), 400);
  }

  static async connect(port: number): Promise<SlowLoris> {
    return new SlowLoris(
      await Producer.on(net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }), "connect", ""),
    );
  }

  /** The final answer to it. */
  async answer(): Promise<string> {
    const answer = await this.#producer.hungUp();
    clearInterval(this.#timer);
    return answer;
  }
}
