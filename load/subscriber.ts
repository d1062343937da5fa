// One subscriber of a load: the client's connection, with an account in place of a consumer.
import { Connection } from "../client/connection.ts";
import type { ConnectionUser } from "../client/connection-options.ts";
import type { Environment } from "../client/environment.ts";
import type { RefusedError } from "../client/refused-error.ts";
import type { ServerMessage } from "../protocol/control.ts";
import { PING_EVERY_MS } from "../protocol/limits.ts";
import type { Account } from "./accounting/account.ts";
import { addName, type Counts } from "./accounting/counts.ts";
import { FramedAccount } from "./accounting/framed-account.ts";
import type { Histogram } from "./accounting/histogram.ts";
import { PlainAccount } from "./accounting/plain-account.ts";
import { stampClock } from "./clock.ts";
import type { SubscriberOptions } from "./options.ts";

/** The shared state of all subscribers of a process. */
export interface Shared {
  readonly options: SubscriberOptions;
  readonly environment: Environment;
  /** Finished parts: closes, refusals, ended runs. */
  readonly past: Counts;
  readonly latency: Histogram;
  readonly firstFrame: Histogram;
  /** A subscriber has joined for the first time. */
  joined(subscriber: LoadSubscriber): void;
}

/** It pings, reconnects and resumes like the client, because it uses the client's connection. */
export class LoadSubscriber implements ConnectionUser {
  /** The frames that the own publisher had published when it joined; undefined: not reported yet. */
  publishedBefore: number | undefined;
  readonly #shared: Shared;
  readonly #connection: Connection;
  readonly #account: Account;
  readonly #startedAt = stampClock();
  #openedAt = Number.POSITIVE_INFINITY;
  #hasJoined = false;
  #hasFrames = false;
  #isRefused = false;

  /** Begins to join. */
  constructor(shared: Shared) {
    const { options, environment, past } = shared;
    this.#shared = shared;
    const onFrame = (sentAt: number | undefined) => this.#frame(sentAt);
    const { own } = options;
    this.#account =
      options.mode === "framed" ? new FramedAccount(past, own?.run ?? 0, onFrame) : new PlainAccount(own, onFrame);
    this.#connection = new Connection({ ...options, environment }, this);
    this.#connection.connect();
  }

  connecting(): void {}

  query(): Record<string, string> {
    const { mode, track } = this.#shared.options;
    const { start } = this.#account;
    return {
      role: "subscribe",
      ping: String(PING_EVERY_MS),
      ...(track !== undefined && { [mode === "framed" ? "tracks" : "track"]: track }),
      ...(start !== undefined && { start }),
    };
  }

  opened(): void {
    this.#openedAt = stampClock();
    this.#account.opened();
    if (this.#hasJoined) this.#shared.past.reconnects++;
    else this.#join();
  }

  control(message: ServerMessage): void {
    if ("reconnectMs" in message) this.#connection.spreadOver(message.reconnectMs);
    this.#account.control(message);
  }

  binary(message: Uint8Array): void {
    this.#shared.past.bytes += message.byteLength;
    this.#account.binary(message);
  }

  lost(name: string): undefined {
    addName(this.#shared.past.closes, name);
  }

  refused({ code }: RefusedError): void {
    this.#isRefused = true;
    addName(this.#shared.past.refusals, code);
  }

  /** Adds its counts so far. */
  addTo(counts: Counts): void {
    const { isOpen } = this.#connection;
    if (this.#hasJoined) counts.joined++;
    if (isOpen) counts.connected++;
    if (this.#isRefused) counts.refused++;
    this.#account.addTo(counts, !isOpen);
    if (isOpen && !this.#hasFrames && this.publishedBefore !== undefined) counts.silent.push([this.publishedBefore, 1]);
  }

  close(): void {
    this.#connection.close();
  }

  #join(): void {
    this.#hasJoined = true;
    this.#shared.past.lastJoinAt = this.#openedAt;
    this.#shared.joined(this);
  }

  #frame(sentAt: number | undefined): void {
    const now = stampClock();
    if (!this.#hasFrames) this.#shared.firstFrame.add(now - this.#startedAt);
    this.#hasFrames = true;
    // Frames that were sent before are history.
    if (sentAt !== undefined && sentAt >= this.#openedAt) this.#shared.latency.add(now - sentAt);
  }
}
