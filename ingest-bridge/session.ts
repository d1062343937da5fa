// One producer: its preamble, its place in the room, its bytes, its end.
import type { Socket } from "node:net";
import { Publisher } from "../client/index.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Splitter } from "../protocol/splitter.ts";
import { createSplitter } from "../protocol/splitters/index.ts";
import { type Admission, readAdmission, routeAdmission } from "./admission.ts";
import type { Config } from "./config.ts";
import type { Route } from "./listen-url.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { Reader } from "./reader.ts";
import { BridgeRefusal, errorLine, explain } from "./refusal.ts";
import type { Services } from "./services.ts";
import { readToken } from "./token.ts";

/** What every session of a bridge shares. */
export interface SessionContext {
  readonly config: Config;
  readonly services: Services;
  readonly metrics: Metrics;
}

type State =
  | { readonly at: "preamble" }
  | { readonly at: "joining" | "streaming" | "ending"; readonly publisher: Publisher }
  | { readonly at: "over" };

/** A producer's connection. Only `run` acts on the socket; `stop` tells it why to finish early. */
export class Session {
  readonly #socket: Socket;
  readonly #route: Route | undefined;
  readonly #context: SessionContext;
  readonly #stop = new AbortController();
  readonly #reader: Reader;
  #log: Logger;
  #state: State = { at: "preamble" };
  #bytes = 0;

  /** With a `route` the producer sends no preamble and gets no answer. */
  constructor(socket: Socket, route: Route | undefined, context: SessionContext, log: Logger) {
    this.#socket = socket;
    this.#route = route;
    this.#context = context;
    this.#log = log;
    this.#reader = new Reader(socket, this.#stop.signal);
    socket.on("error", (error) => this.#log.debug({ error: error.message }, "producer's connection failed"));
  }

  /** Serves the producer until its socket is closed. Never rejects. */
  async run(): Promise<void> {
    try {
      this.#stop.signal.throwIfAborted();
      const admission = await this.#admit();
      const publisher = await this.#join(admission);
      await this.#stream(publisher, createSplitter(admission.framing), admission.rest);
      const end = this.#socket.readableEnded ? "closed" : "reset";
      this.#log.info({ bytes: this.#bytes, end }, "producer ended");
      this.#hangUp(`END bytes=${this.#bytes}\n`);
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#leave();
    }
    await this.#gone();
  }

  /** Ends the session early: what the producer has sent so far is still delivered, where there is a way. */
  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Ends the session at once; what is not delivered is lost. */
  destroy(): void {
    this.stop(new BridgeRefusal("going_away", "the bridge has stopped"));
    if ("publisher" in this.#state) this.#state.publisher.close();
    this.#socket.destroy();
  }

  async #admit(): Promise<Admission> {
    const route = this.#route;
    if (route !== undefined) return routeAdmission(route, () => this.#readToken(route));
    const ms = this.#context.services.preambleTimeoutMs;
    const late = new ProtocolError("preamble_timeout", `no preamble within ${ms} ms`);
    return this.#within(ms, late, () => readAdmission(this.#reader, this.#stop.signal));
  }

  async #readToken(route: Route): Promise<string> {
    try {
      return await readToken(route.token, this.#context.services.env);
    } catch (error) {
      this.#log.error({ error: String(error) }, "no token for the static route");
      throw error;
    }
  }

  async #join({ room, track, framing, token }: Admission): Promise<Publisher> {
    const { config, services, metrics } = this.#context;
    this.#log = this.#log.child({ room, track, framing });
    const { worker: url, bufferBytes: maxBufferBytes } = config;
    const { environment } = services;
    const publisher = new Publisher({ url, room, track, token, maxBufferBytes, environment });
    this.#state = { at: "joining", publisher };
    const unreachable = new BridgeRefusal("room_unreachable", "the room could not be reached");
    const { connection } = await this.#within(services.joinTimeoutMs, unreachable, () => publisher.ready());
    publisher.closed.then((refused) => refused && this.stop(refused));
    this.#state = { at: "streaming", publisher };
    metrics.add(publisher);
    this.#log.info({ connection }, "producer accepted");
    if (this.#route === undefined) this.#socket.write(`OK connection=${connection}\n`);
    return publisher;
  }

  /** Waits for `work`, but neither longer than `ms` nor beyond a `stop` or the end of the socket. */
  async #within<T>(ms: number, late: Error, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    const gone = () => this.stop(new BridgeRefusal("producer_gone", "the producer went away before it was accepted"));
    const timer = setTimeout(() => this.stop(late), ms);
    this.#socket.once("close", gone);
    try {
      if (this.#socket.destroyed) gone();
      signal.throwIfAborted();
      const stopped = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      return await Promise.race([work(), stopped]);
    } finally {
      clearTimeout(timer);
      this.#socket.off("close", gone);
    }
  }

  /** Publishes to the end of the producer, or of its right to go on. Throws what is to be said in an `ERROR` line. */
  async #stream(publisher: Publisher, splitter: Splitter, rest: Uint8Array): Promise<void> {
    let violation: ProtocolError | undefined;
    try {
      for (let chunk: Uint8Array | undefined = rest; chunk !== undefined; chunk = await this.#reader.next()) {
        this.#bytes += chunk.byteLength;
        this.#context.metrics.bytes.inc(chunk.byteLength);
        await this.#publish(publisher, splitter.push(chunk));
      }
      await this.#publish(publisher, splitter.end());
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      violation = error;
    }
    this.#state = { at: "ending", publisher };
    await publisher.end();
    if (!this.#socket.readableEnded) this.#stop.signal.throwIfAborted();
    if (violation !== undefined) throw violation;
  }

  async #publish(publisher: Publisher, frames: ReturnType<Splitter["push"]>): Promise<void> {
    const { metrics } = this.#context;
    const start = performance.now();
    await publisher.write(frames);
    metrics.frames.inc(frames.length);
    metrics.blockedSeconds.inc((performance.now() - start) / 1000);
  }

  #refuse(error: unknown): void {
    const known = explain(error) ?? explain(this.#stop.signal.reason);
    const { code, text } = known ?? { code: "internal_error", text: "the bridge failed" };
    this.#context.metrics.refused.inc({ code });
    if (known === undefined) this.#log.error({ code, err: error }, "producer cut off");
    else this.#log.warn({ code, state: this.#state.at, bytes: this.#bytes, text }, "producer refused");
    this.#hangUp(errorLine({ code, text }));
  }

  /** Says the last word. A producer that still sends gets it too: its bytes are read and dropped for a while. */
  #hangUp(line: string): void {
    const socket = this.#socket;
    if (this.#route === undefined) socket.removeAllListeners("readable").resume().end(line);
    else socket.destroySoon();
  }

  #leave(): void {
    const state = this.#state;
    this.#state = { at: "over" };
    if (!("publisher" in state)) return;
    state.publisher.close();
    this.#context.metrics.remove(state.publisher);
  }

  async #gone(): Promise<void> {
    if (this.#socket.closed) return;
    const timer = setTimeout(() => this.#socket.destroy(), this.#context.services.lingerMs);
    await new Promise((resolve) => this.#socket.once("close", resolve));
    clearTimeout(timer);
  }
}
