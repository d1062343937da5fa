// One reconnecting connection: a token for each attempt, a heartbeat while open, and what each end means.
import { afterClose } from "../protocol/close.ts";
import { PING, PONG, parseServerMessage, type ServerMessage } from "../protocol/control.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { roomUrl, socketUrl } from "./address.ts";
import { failuresAfter, retryDelay } from "./backoff.ts";
import type { Environment, Refusal, Socket, SocketClose } from "./environment.ts";
import { closeName, problemCode, RefusedError } from "./errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Timer } from "./timer.ts";

/** A token, or what fetches one: called anew for each attempt; a `RefusedError` of it is final, other errors are not. */
export type Token = string | (() => Promise<string>);

/** Where to. `url` is the http(s) base of the Worker. */
export interface ConnectionOptions {
  readonly url: string;
  readonly room: string;
  readonly token: Token;
  readonly environment: Environment;
}

/** Whom a connection serves. */
export interface ConnectionUser {
  /** An attempt begins. */
  connecting(): void;
  /** The query of this attempt: the role, and where to go on. */
  query(): Record<string, string>;
  opened(): void;
  control(message: ServerMessage): void;
  /** May throw `ProtocolError`: the connection is given up and another one made. */
  binary(message: Uint8Array): void;
  /** A connection that was open ended, with the name of its close. An error returned is final. */
  lost(name: string): RefusedError | undefined;
  /** It is over. */
  refused(error: RefusedError): void;
}

type State =
  | { readonly at: "waiting" }
  | { readonly at: "authorizing" }
  | { readonly at: "dialing"; readonly socket: Socket; readonly token: string }
  | { readonly at: "asking" }
  | { readonly at: "open"; readonly socket: Socket; readonly heartbeat: Heartbeat; readonly since: number }
  | { readonly at: "over" };

const ATTEMPT_MS = 10_000;
const FINAL_STATUSES: readonly number[] = [400, 401, 403, 404, 409, 410];
/** Those of a room's description; others say nothing about the upgrade. */
const FINAL_ANSWERS: readonly number[] = [401, 403, 404, 410];

/** Keeps one WebSocket to a room open until it is closed or refused for good. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #environment: Environment;
  readonly #user: ConnectionUser;
  /** Bounds every state but `open`, whose timers are the heartbeat's. */
  readonly #timer: Timer;
  #state: State = { at: "waiting" };
  #failures = 0;
  #held = false;

  /** Does nothing until `connect`. Throws `TypeError` where `url` is none. */
  constructor(options: ConnectionOptions, user: ConnectionUser) {
    socketUrl(options.url, options.room, {});
    this.#options = options;
    this.#environment = options.environment;
    this.#user = user;
    this.#timer = new Timer(options.environment);
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

  /** Sends, where it is open. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#state.at === "open") this.#state.socket.send(data);
  }

  /** The consumer is congested: stops reading, where the platform can, and pinging. Lasts beyond this connection. */
  hold(): void {
    this.#held = true;
    if (this.#state.at !== "open") return;
    this.#state.heartbeat.hold();
    this.#state.socket.pause?.();
  }

  /** The consumer goes on. */
  release(): void {
    this.#held = false;
    if (this.#state.at !== "open") return;
    this.#state.socket.resume?.();
    this.#state.heartbeat.release();
  }

  /** For good, at once; the user hears nothing more. */
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
      // The platform takes no such subprotocol. Its error is dropped: it may quote the token.
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
    const heart = { ping: () => socket.send(PING), dead: () => this.#lose({ code: 1006, reason: "" }) };
    const heartbeat = new Heartbeat(this.#environment, heart, this.#held);
    this.#enter({ at: "open", socket, heartbeat, since: this.#environment.now() });
    if (this.#held) socket.pause?.();
    this.#user.opened();
  }

  #received(data: unknown): void {
    if (this.#state.at !== "open") return;
    const { heartbeat } = this.#state;
    try {
      if (data === PONG) heartbeat.pong();
      else if (typeof data === "string") this.#text(data, heartbeat);
      else this.#binary(data instanceof Uint8Array ? data : new Uint8Array(data as ArrayBuffer), heartbeat);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#lose({ code: 1006, reason: "" });
    }
  }

  #text(text: string, heartbeat: Heartbeat): void {
    heartbeat.received(text.length);
    const message = parseServerMessage(text);
    if (message !== undefined) this.#user.control(message);
  }

  #binary(message: Uint8Array, heartbeat: Heartbeat): void {
    // The user first: it may hold, and then no ping is sent.
    this.#user.binary(message);
    heartbeat.received(message.byteLength);
  }

  #closed(event: SocketClose): void {
    const state = this.#state;
    if (state.at === "open") this.#lose(event);
    else if (state.at !== "dialing") return;
    else if (event.refusal !== undefined) this.#answered(event.refusal, FINAL_STATUSES);
    else if (this.#environment.fetch === undefined) this.#retry(0);
    else this.#ask(state.token);
  }

  /** An upgrade failed and the platform does not say why: the room's description is refused for the same reasons. */
  async #ask(token: string): Promise<void> {
    const state: State = { at: "asking" };
    this.#enter(state);
    this.#timer.set(ATTEMPT_MS, () => this.#retry(0));
    const headers = { authorization: `Bearer ${token}` };
    try {
      const answer = await this.#environment.fetch?.(roomUrl(this.#options.url, this.#options.room), { headers });
      const status = answer?.status ?? 0;
      const code = problemCode(FINAL_ANSWERS.includes(status) ? await answer?.json() : undefined, status);
      if (this.#state === state) this.#answered({ status, code }, FINAL_ANSWERS);
    } catch {
      if (this.#state === state) this.#retry(0);
    }
  }

  #answered({ status, code }: Refusal, final: readonly number[]): void {
    if (final.includes(status)) this.#refuse(new RefusedError(code, status));
    else this.#retry(0);
  }

  #lose(event: SocketClose): void {
    if (this.#state.at !== "open") return;
    this.#failures = failuresAfter(this.#failures, this.#environment.now() - this.#state.since);
    this.#enter({ at: "waiting" });
    const name = closeName(event);
    const after = afterClose(event.code, event.reason);
    const error = this.#user.lost(name) ?? (after.retry ? undefined : new RefusedError(name));
    if (error !== undefined) this.#refuse(error);
    else if (after.retry) this.#retry(after.afterMs);
  }

  #retry(afterMs: number): void {
    this.#enter({ at: "waiting" });
    const delay = retryDelay(this.#failures++, afterMs, this.#environment.random());
    this.#timer.set(delay, () => this.#authorize());
  }

  #refuse(error: RefusedError): void {
    this.#enter({ at: "over" });
    this.#user.refused(error);
  }

  /** Leaves the state, with its timer and its socket, for the next one. */
  #enter(next: State): void {
    const state = this.#state;
    this.#state = next;
    this.#timer.clear();
    if (state.at === "open") state.heartbeat.stop();
    if ((state.at === "dialing" || state.at === "open") && next.at !== "open") hangUp(state.socket);
  }
}

function hangUp(socket: Socket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close(1000);
}
