// A simulated environment: a virtual clock, and sockets whose other end the test controls.
import type { Environment, HttpAnswer, HttpRequest, Refusal, Socket } from "../../../client/environment.ts";
import type { ServerMessage } from "../../../protocol/control.ts";

/** Runs everything that waits for no timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Data = string | Uint8Array;

/** The client's end; the methods after `resume` are those of the room. Bytes are copied both ways. */
export class FakeSocket implements Socket {
  binaryType = "";
  bufferedAmount = 0;
  paused = false;
  closedWith: number | undefined;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly sent: Data[] = [];

  constructor(url: string, protocols: readonly string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
  }

  send(data: Data): void {
    if (this.closedWith !== undefined) throw new Error("send after close");
    this.sent.push(typeof data === "string" ? data : data.slice());
  }

  close(code = 1005): void {
    this.closedWith ??= code;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  open(): void {
    this.onopen?.();
  }

  deliver(data: Data | ServerMessage): void {
    if (data instanceof Uint8Array) this.onmessage?.({ data: data.slice().buffer });
    else this.onmessage?.({ data: typeof data === "string" ? data : JSON.stringify(data) });
  }

  end(code = 1006, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  refuse(refusal: Refusal): void {
    this.onclose?.({ code: 1006, reason: "", refusal });
  }

  query(name: string): string | null {
    return this.url.searchParams.get(name);
  }

  get pings(): number {
    return this.sent.filter((data) => data === "ping").length;
  }

  /** Parsed text messages, without pings. */
  get controls(): unknown[] {
    return this.sent
      .filter((data) => typeof data === "string" && data !== "ping")
      .map((data) => JSON.parse(String(data)));
  }

  get messages(): Uint8Array[] {
    return this.sent.filter((data) => data instanceof Uint8Array);
  }
}

interface FakeTimer {
  readonly at: number;
  readonly run: () => void;
}

/** `random` returns `chance`; `dialed` contains all sockets, the newest last. */
export class FakeEnvironment implements Environment {
  chance = 0.5;
  readonly dialed: FakeSocket[] = [];
  #time = 1_800_000_000_000;
  readonly #timers = new Set<FakeTimer>();

  dial(url: string, protocols: string[]): FakeSocket {
    const socket = new FakeSocket(url, protocols);
    this.dialed.push(socket);
    return socket;
  }

  now(): number {
    return this.#time;
  }

  random(): number {
    return this.chance;
  }

  setTimeout(run: () => void, ms: number): FakeTimer {
    const timer = { at: this.#time + ms, run };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as FakeTimer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  get socket(): FakeSocket {
    const socket = this.dialed.at(-1);
    if (socket === undefined) throw new Error("nothing was dialed");
    return socket;
  }

  /** The connection is cut; time passes until the client dials again. */
  async redial(): Promise<FakeSocket> {
    const before = this.dialed.length;
    this.socket.end();
    while (this.dialed.length === before) await this.advance(250);
    return this.socket;
  }

  /** Lets time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settle();
    for (;;) {
      const [timer] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (timer === undefined) break;
      this.#timers.delete(timer);
      this.#time = timer.at;
      timer.run();
      await settle();
    }
    this.#time = end;
  }
}

/**
 * An environment with `fetch`, like a browser's: `answer` is its result; undefined: it fails. `asked` contains its
 * calls.
 */
export class FakeBrowser extends FakeEnvironment {
  answer: { status: number; body?: unknown; retryAfter?: string } | undefined;
  readonly asked: ({ url: string } & HttpRequest)[] = [];

  async fetch(url: string, request: HttpRequest): Promise<HttpAnswer> {
    this.asked.push({ url, ...request });
    if (this.answer === undefined) throw new TypeError("network");
    const { status, body, retryAfter = null } = this.answer;
    const headers = { get: (name: string) => (name === "retry-after" ? retryAfter : null) };
    return { status, headers, json: async () => body };
  }
}
