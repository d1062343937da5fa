// A TCP proxy that disturbs its connections as networks do: delays, throttling, half-closes, cuts. Seeded.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Counts of disturbances, by name. */
export interface Mischief {
  connections: number;
  cuts: number;
  halfCloses: number;
  delays: number;
  throttles: number;
}

/** A proxy to one port, until it is disposed. After `relent`, it only passes data on. */
export class ChaosProxy implements AsyncDisposable {
  readonly mischief: Mischief = { connections: 0, cuts: 0, halfCloses: 0, delays: 0, throttles: 0 };
  readonly #server: Server;
  readonly #target: number;
  readonly #random: () => number;
  readonly #sockets = new Set<Socket>();
  #isKind = false;

  private constructor(target: number, seed: number) {
    this.#target = target;
    this.#random = randomFrom(seed);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connection(socket));
  }

  static async start(target: number, seed: number): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target, seed);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all disturbances. */
  relent(): void {
    this.#isKind = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #connection(near: Socket): void {
    this.mischief.connections++;
    const far = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    void this.#pass(near, far);
    void this.#pass(far, near);
    void this.#end(near, far);
  }

  /** Passes bytes on, sometimes late, sometimes slowly. Cut connections end it. */
  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (!this.#isKind && this.#random() < 0.1) {
          this.mischief.delays++;
          await sleep(this.#random() * 150);
        }
        const slow = !this.#isKind && this.#random() < 0.05;
        if (slow) this.mischief.throttles++;
        for (const part of slow ? quarters(chunk) : [chunk]) {
          if (slow) await sleep(20 + this.#random() * 80);
          if (!to.write(part)) await once(to, "drain");
        }
      }
      to.end();
    } catch {
      to.destroy();
    }
  }

  /** After some time, ends both directions, or one. */
  async #end(near: Socket, far: Socket): Promise<void> {
    await sleep(800 + this.#random() * 2500);
    if (this.#isKind || near.destroyed) return;
    const choice = this.#random();
    if (choice < 0.6) {
      this.mischief.cuts++;
      near.destroy();
      far.destroy();
    } else {
      this.mischief.halfCloses++;
      (choice < 0.8 ? near : far).end();
    }
  }
}

function quarters(chunk: Buffer): Buffer[] {
  const size = Math.max(1, Math.ceil(chunk.length / 4));
  return [0, 1, 2, 3]
    .map((index) => chunk.subarray(index * size, (index + 1) * size))
    .filter(({ length }) => length > 0);
}

/** A generator of numbers in [0, 1) that returns the same sequence for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
