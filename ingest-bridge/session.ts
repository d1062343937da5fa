// One producer: its preamble, its admission to the room, its bytes, its end.
import type { Socket } from "node:net";
import { Publisher } from "../client/index.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { isOfRecords } from "../protocol/splitter.ts";
import { createSplitter } from "../protocol/splitters/index.ts";
import { AckClock } from "./ack-clock.ts";
import type { Account, Budget } from "./budget.ts";
import { BridgeRefusal, errorLine, explain } from "./error-line.ts";
import { Gatherer } from "./gatherer.ts";
import type { Listen, Route } from "./listen-url.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { Intake } from "./producer-buffer.ts";
import { type Admission, readAdmission, routeAdmission } from "./producer-identity.ts";
import { readToken } from "./route-token.ts";
import type { Services } from "./services.ts";
import type { Config } from "./settings.ts";
import { Reader } from "./socket-reader.ts";

/** The shared context of all sessions of a bridge. */
export interface SessionContext {
  readonly config: Config;
  readonly services: Services;
  readonly metrics: Metrics;
  readonly budget: Budget;
}

type State =
  | { readonly at: "preamble" }
  | { readonly at: "joining" | "streaming" | "ending"; readonly publisher: Publisher }
  | { readonly at: "over" };

/** This number of empty lines counts as two megabytes. */
const RECORDS_BYTES = 4096;

/** A producer's connection. Only `run` acts on the socket; `stop` gives it the reason to finish early. */
export class Session {
  readonly #socket: Socket;
  readonly #listen: Listen;
  readonly #context: SessionContext;
  readonly #stop = new AbortController();
  readonly #reader: Reader;
  readonly #account: Account;
  #log: Logger;
  #state: State = { at: "preamble" };
  #intake: Intake | undefined;

  /** With a static route, the producer sends no preamble and gets no answer. */
  constructor(socket: Socket, listen: Listen, context: SessionContext, log: Logger) {
    this.#socket = socket;
    this.#listen = listen;
    this.#account = context.budget.open();
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
      await this.#stream(publisher, admission);
      const end = this.#socket.readableEnded ? "closed" : "reset";
      const { droppedGroups, droppedBytes } = publisher.stats;
      this.#log.info({ bytes: this.#bytes, droppedGroups, droppedBytes, end }, "producer ended");
      this.#hangUp(`END bytes=${this.#bytes - droppedBytes}\n`);
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#leave();
    }
    await this.#gone();
  }

  /** Ends the session early. The data that the producer has sent so far is still delivered if possible. */
  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Ends the session at once; undelivered data is lost. */
  destroy(): void {
    this.stop(new BridgeRefusal("going_away", "the bridge has stopped"));
    if ("publisher" in this.#state) this.#state.publisher.close();
    this.#socket.destroy();
  }

  get #bytes(): number {
    return this.#intake?.bytes ?? 0;
  }

  async #admit(): Promise<Admission> {
    const { route } = this.#listen;
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

  async #join({ room, track, framing, format, token }: Admission): Promise<Publisher> {
    const { config, services, metrics } = this.#context;
    this.#log = this.#log.child({ room, track, framing });
    const acks = new AckClock((seconds) => metrics.acks.observe(seconds));
    const publisher = new Publisher({
      ...{ url: config.worker, room, track, token, environment: services.environment },
      maxBufferBytes: config.bufferBytes,
      onFull: this.#listen.onFull ?? config.onFull,
      ...(format !== undefined && { format }),
      onBuffered: (bytes) => {
        this.#account.buffered(bytes);
        acks.buffered(bytes, performance.now());
      },
    });
    const accepted = metrics.joins.startTimer();
    this.#state = { at: "joining", publisher };
    const unreachable = new BridgeRefusal("room_unreachable", "the room could not be reached");
    const { connection } = await this.#within(services.joinTimeoutMs, unreachable, () => publisher.ready());
    accepted();
    publisher.closed.then((refused) => refused && this.stop(refused));
    this.#state = { at: "streaming", publisher };
    metrics.add(publisher);
    this.#log.info({ connection }, "producer accepted");
    if (this.#listen.route === undefined) this.#socket.write(`OK connection=${connection}\n`);
    return publisher;
  }

  /** Waits for `work`, but neither longer than `ms` nor beyond a `stop` or the end of the socket. */
  async #within<T>(ms: number, late: Error, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    const gone = () => this.stop(new BridgeRefusal("producer_gone", "the producer left before it was accepted"));
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

  /** Publishes until the producer ends, or may no longer continue. Throws the error for the `ERROR` line. */
  async #stream(publisher: Publisher, { framing, format, rest }: Admission): Promise<void> {
    const { config, metrics } = this.#context;
    const { coalesceMs: ms, coalesceBytes: bytes, idleTimeout } = config;
    const [reader, account, signal] = [this.#reader, this.#account, this.#stop.signal];
    const gatherer = new Gatherer(reader, { ms, bytes });
    const from = { reader, gatherer, idleTimeout, signal };
    const cut = { splitter: createSplitter(framing), pieceBytes: isOfRecords(framing) ? RECORDS_BYTES : Infinity };
    const tellsFormat = format === undefined;
    this.#intake = new Intake({ ...from, ...cut, tellsFormat, publisher, account, metrics });
    let violation: Error | undefined;
    try {
      await this.#intake.run(rest);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof BridgeRefusal)) throw error;
      violation = error;
    }
    this.#state = { at: "ending", publisher };
    await publisher.end();
    if (!this.#socket.readableEnded) signal.throwIfAborted();
    if (violation !== undefined) throw violation;
  }

  #refuse(error: unknown): void {
    const known = explain(error) ?? explain(this.#stop.signal.reason);
    const { code, text } = known ?? { code: "internal_error", text: "the bridge failed" };
    this.#context.metrics.refused.inc({ code });
    if (known === undefined) this.#log.error({ code, err: error }, "producer cut off");
    else this.#log.warn({ code, state: this.#state.at, bytes: this.#bytes, text }, "producer refused");
    this.#hangUp(errorLine({ code, text }));
  }

  /** Sends the last answer. A producer that still sends gets it, too: its bytes are read and dropped for a while. */
  #hangUp(line: string): void {
    const socket = this.#socket;
    if (this.#listen.route === undefined) socket.removeAllListeners("readable").resume().end(line);
    else socket.destroySoon();
  }

  #leave(): void {
    const state = this.#state;
    this.#state = { at: "over" };
    this.#account.close();
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
