// The sending half of a publisher's connection: the room's window, the socket's buffer, missing acks.
import type { ServerMessage } from "../protocol/control.ts";
import { GAPS_PER_SECOND } from "../protocol/limits.ts";
import type { Connection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import type { Outbox } from "./outbox.ts";
import { Timer } from "./timer.ts";

/** `up`: the room has accepted this connection. */
type Link = { readonly at: "down" } | { readonly at: "up"; window: number };

const SOCKET_BUFFER_BYTES = 1024 * 1024;
const SOCKET_POLL_MS = 5;
const SYNC_MS = 500;

/**
 * A gap waits this long after the previous gap, and takes in the frames that are dropped meanwhile. This is half of the
 * rate that P7 allows.
 */
const GAP_EVERY_MS = 2000 / GAPS_PER_SECOND;

/** Moves messages from the outbox into the connection, as far as the room allows. */
export class Sender {
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #environment: Environment;
  readonly #pollTimer: Timer;
  readonly #syncTimer: Timer;
  #link: Link = { at: "down" };
  #gapAt = Number.NEGATIVE_INFINITY;

  constructor(outbox: Outbox, connection: Connection, environment: Environment) {
    this.#outbox = outbox;
    this.#connection = connection;
    this.#environment = environment;
    this.#pollTimer = new Timer(environment);
    this.#syncTimer = new Timer(environment);
  }

  get isUp(): boolean {
    return this.#link.at === "up";
  }

  /** The room accepted, and sent the position to continue at. */
  accept({ epoch, sequence, track, window, init }: ServerMessage & { type: "publish" }): void {
    this.#outbox.accept(epoch, sequence, track);
    this.#link = { at: "up", window };
    if (init) this.sendInit();
    this.pump();
  }

  acknowledge({ sequence, window }: ServerMessage & { type: "ack" }): void {
    if (this.#link.at === "down") return;
    this.#link.window = window;
    this.#outbox.acknowledge(sequence);
    this.#syncTimer.clear();
    this.pump();
  }

  /** The room asks for the init again. */
  sendInit(): void {
    const message = this.#link.at === "up" ? this.#outbox.init() : undefined;
    if (message !== undefined) this.#connection.send(message);
  }

  /** Sends as much as the window and the socket's buffer allow. */
  pump(): void {
    if (this.#link.at === "down") return;
    this.#pollTimer.clear();
    for (;;) {
      if (this.#connection.bufferedAmount > SOCKET_BUFFER_BYTES) {
        this.#pollTimer.set(SOCKET_POLL_MS, () => this.pump());
        break;
      }
      if (this.#outbox.isAtGap && !this.#mayTellGap()) break;
      const { sentTo } = this.#outbox;
      const message = this.#outbox.take(this.#link.window);
      if (message === undefined) break;
      // A room that slept learns the track's position from `sync`; a gap alone does not contain it.
      if (typeof message === "string") {
        this.#gapAt = this.#environment.now();
        this.#sync(sentTo);
      }
      this.#connection.send(message);
    }
    this.#expectAck();
  }

  /** Asks for an ack if something is on its way. */
  sync(): void {
    if (this.#outbox.sentBytes === 0) return;
    this.#sync(this.#outbox.sentTo);
  }

  /** The connection is lost or over. */
  stop(): void {
    this.#link = { at: "down" };
    this.#outbox.rewind();
    this.#pollTimer.clear();
    this.#syncTimer.clear();
  }

  /** Returns true if a gap may be sent now. If not, sets the timer for it. */
  #mayTellGap(): boolean {
    const waitMs = this.#gapAt + GAP_EVERY_MS - this.#environment.now();
    if (waitMs > 0) this.#pollTimer.set(waitMs, () => this.pump());
    return waitMs <= 0;
  }

  #sync(sequence: number): void {
    this.#connection.send(JSON.stringify({ type: "sync", sequence }));
  }

  #expectAck(): void {
    if (this.#syncTimer.isSet || this.#outbox.sentBytes === 0) return;
    this.#syncTimer.set(SYNC_MS, () => {
      this.sync();
      this.#expectAck();
    });
  }
}
