// One reconnecting connection: a token for each attempt, a heartbeat while it is open, and a reaction to each kind of
// end.
import { afterClose } from "../protocol/close.ts";
import { PING, PONG, parseServerMessage } from "../protocol/control.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { Attempts } from "./attempts.ts";
import type { ConnectionOptions, ConnectionUser } from "./connection-options.ts";
import type { Environment, Refusal, Socket, SocketClose } from "./environment.ts";
import { Heartbeat } from "./heartbeat.ts";
import { closeName, RefusedError } from "./refused-error.ts";
import { Renewal } from "./renewal.ts";
import { socketUrl } from "./room-urls.ts";
import { Timer } from "./timer.ts";
import { askWhy, FINAL_ANSWERS, FINAL_STATUSES } from "./upgrade-refusal.ts";

type State =
  | { readonly at: "waiting" }
  | { readonly at: "authorizing" }
  | { readonly at: "dialing"; readonly socket: Socket; readonly token: string }
  | { readonly at: "asking" }
  | ({ readonly at: "open"; readonly socket: Socket; readonly since: number } & Helpers)
  | { readonly at: "over" };

/** The helpers of an open connection. `renewal` is missing if the token is a text, or if there is no HTTP. */
interface Helpers {
  readonly heartbeat: Heartbeat;
  readonly renewal: Renewal | undefined;
}

const ATTEMPT_MS = 10_000;

/** Keeps one WebSocket to a room open until it is closed, or refused for a final reason. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #environment: Environment;
  readonly #user: ConnectionUser;
  /** Limits the time of every state except `open`, which has the heartbeat's timers. */
  readonly #timer: Timer;
  readonly #attempts: Attempts;
  #state: State = { at: "waiting" };
  #held = false;

  /** Does nothing until `connect`. Throws `TypeError` if `url` is not an http(s) URL. */
  constructor(options: ConnectionOptions, user: ConnectionUser) {
    socketUrl(options.url, options.room, {});
    this.#options = options;
    this.#environment = options.environment;
    this.#user = user;
    this.#timer = new Timer(options.environment);
    this.#attempts = new Attempts(typeof options.token !== "string", () => options.environment.random());
  }

  get isOpen(): boolean {
    return this.#state.at === "open";
  }

  /** Bytes that the platform has not yet written. */
  get bufferedAmount(): number {
    return this.#state.at === "open" ? this.#state.socket.bufferedAmount : 0;
  }

  /** Begins an attempt. */
  connect(): void {
    this.#authorize();
  }

  /** Sends the data if the connection is open. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#state.at === "open") this.#state.socket.send(data);
  }

  /**
   * The consumer is congested: stops reading, if the platform can, and stops pinging. This also applies to later
   * connections.
   */
  hold(): void {
    this.#held = true;
    if (this.#state.at !== "open") return;
    this.#state.heartbeat.hold();
    this.#state.socket.pause?.();
  }

  /** The consumer continues. */
  release(): void {
    this.#held = false;
    if (this.#state.at !== "open") return;
    this.#state.socket.resume?.();
    this.#state.heartbeat.release();
  }

  /** The user is one of many. From now on, their retries spread over `ms`. */
  spreadOver(ms: number): void {
    this.#attempts.spreadOver(ms);
  }

  /** Closes the connection at once and permanently. The user gets no further calls. */
  close(): void {
    this.#enter({ at: "over" });
  }

  async #authorize(): Promise<void> {
    const { token } = this.#options;
    const state: State = { at: "authorizing" };
    this.#enter(state);
    this.#timer.set(ATTEMPT_MS, () => this.#retry(0));
    this.#user.connecting();
    let text: string;
    try {
      text = typeof token === "string" ? token : await token();
    } catch (error) {
      if (this.#state !== state) return;
      return error instanceof RefusedError ? this.#refuse(error) : this.#retry(0);
    }
    if (this.#state === state) this.#dial(text);
  }

  #dial(token: string): void {
    const url = socketUrl(this.#options.url, this.#options.room, this.#user.query());
    let socket: Socket;
    try {
      socket = this.#environment.dial(url, ["roomcast.v1", `token.${token}`]);
    } catch {
      // The platform rejects this subprotocol. Its error is dropped, because it may quote the token.
      this.#refuse(new RefusedError("token_malformed"));
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event);
    this.#enter({ at: "dialing", socket, token });
    this.#timer.set(ATTEMPT_MS, () => this.#retry(0));
  }

  #opened(socket: Socket): void {
    if (this.#state.at !== "dialing") return;
    const heart = { ping: () => socket.send(PING), dead: () => this.#lose({ code: 1006, reason: "" }) };
    const renewal = this.#renewal(this.#state.token);
    const heartbeat = new Heartbeat(this.#environment, heart, this.#held);
    this.#enter({ at: "open", socket, heartbeat, renewal, since: this.#environment.now() });
    this.#attempts.opened();
    if (this.#held) socket.pause?.();
    this.#user.opened();
  }

  #renewal(opening: string): Renewal | undefined {
    const { token } = this.#options;
    if (typeof token === "string" || this.#environment.fetch === undefined) return undefined;
    return new Renewal({ ...this.#options, token }, opening);
  }

  #received(data: unknown): void {
    if (this.#state.at !== "open") return;
    const { heartbeat } = this.#state;
    try {
      if (data === PONG) heartbeat.pong();
      else if (typeof data === "string") this.#text(data, this.#state);
      else this.#binary(data instanceof Uint8Array ? data : new Uint8Array(data as ArrayBuffer), heartbeat);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#lose({ code: 1006, reason: "" });
    }
  }

  #text(text: string, { heartbeat, renewal }: Helpers): void {
    heartbeat.received(text.length);
    const message = parseServerMessage(text);
    if (message === undefined) return;
    if (message.type === "welcome") renewal?.welcome(message.connection, message.now);
    this.#user.control(message);
  }

  #binary(message: Uint8Array, heartbeat: Heartbeat): void {
    // The user comes first: it may hold the connection, and then no ping is sent.
    this.#user.binary(message);
    heartbeat.received(message.byteLength);
  }

  #closed(event: SocketClose): void {
    const state = this.#state;
    if (state.at === "open") return this.#lose(event);
    if (state.at !== "dialing") return;
    const { fetch, tellsRefusals = fetch === undefined } = this.#environment;
    const isWorthAsking = this.#attempts.upgradeFailed() && !tellsRefusals;
    if (event.refusal !== undefined) this.#answered(event.refusal, FINAL_STATUSES);
    else if (isWorthAsking) this.#ask(state.token);
    else this.#retry(0);
  }

  /** An upgrade failed, and the platform does not say why. */
  async #ask(token: string): Promise<void> {
    const state: State = { at: "asking" };
    this.#enter(state);
    this.#timer.set(ATTEMPT_MS, () => this.#retry(0));
    const { environment, url, room } = this.#options;
    const answer = await askWhy(environment, url, room, token).catch(() => undefined);
    if (this.#state !== state) return;
    if (answer === undefined) this.#retry(0);
    else this.#answered(answer, FINAL_ANSWERS);
  }

  #answered({ status, code, detail, retryAfterMs = 0 }: Refusal, final: readonly number[]): void {
    if (final.includes(status)) this.#refuse(new RefusedError(code, status, detail));
    else this.#retry(retryAfterMs);
  }

  #lose(event: SocketClose): void {
    if (this.#state.at !== "open") return;
    const name = closeName(event);
    this.#attempts.lost(name, this.#environment.now() - this.#state.since);
    this.#enter({ at: "waiting" });
    const after = afterClose(event.code, event.reason);
    const error = this.#user.lost(name) ?? (after.retry ? undefined : new RefusedError(name));
    if (error !== undefined) this.#refuse(error);
    else if (after.retry) this.#retry(after.afterMs);
  }

  #retry(afterMs: number): void {
    this.#enter({ at: "waiting" });
    const delay = this.#attempts.delayMs(afterMs);
    this.#timer.set(delay, () => this.#authorize());
  }

  #refuse(error: RefusedError): void {
    this.#enter({ at: "over" });
    this.#user.refused(error);
  }

  /** Leaves the current state, with its timer and its socket, for the next one. */
  #enter(next: State): void {
    const state = this.#state;
    this.#state = next;
    this.#timer.clear();
    if (state.at === "open") {
      state.heartbeat.stop();
      state.renewal?.stop();
    }
    if ((state.at === "dialing" || state.at === "open") && next.at !== "open") hangUp(state.socket);
  }
}

function hangUp(socket: Socket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close(1000);
}
