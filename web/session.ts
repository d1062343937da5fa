// A viewer's session in one room: a subscriber, and the state of the room from its events.
import { type Json, RefusedError, Subscriber, type SubscriberEvent, type SubscriberStats } from "../client/index.ts";
import { admissionBy, type Credential } from "./credential.ts";
import { Pace } from "./pace.ts";
import { Room } from "./room-page.ts";

/** The room. `url` is the http(s) base of the Worker. */
export interface Address {
  readonly url: string;
  readonly room: string;
  readonly credential: Credential;
  /** The viewer's label in the room's presence; empty: none. */
  readonly label?: string;
}

/** The session begins this number of seconds ago; undefined: live. */
export type Past = number | undefined;

/** Runs until it is closed or refused. */
export class Session {
  readonly room = new Room();
  readonly #subscriber: Subscriber;
  /** Undefined: the session is live. */
  readonly #pace: Pace | undefined;
  #shownAt: number | undefined;

  /**
   * `take` gets each event after the room's state was updated, and nothing if the room refuses. Throws `TypeError` if
   * `url` is not an http(s) URL.
   */
  constructor(
    { url, room, credential, label = "" }: Address,
    past: Past,
    take: (event: SubscriberEvent | undefined) => void,
  ) {
    const start = past === undefined ? {} : { start: `-${Math.round(past)}` };
    this.#subscriber = new Subscriber({ url, room, label, ...start, ...admissionBy(credential) });
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    this.#pace = past === undefined ? undefined : new Pace(() => performance.now(), sleep);
    void this.#follow(take);
  }

  get stats(): SubscriberStats {
    return this.#subscriber.stats;
  }

  /**
   * Seconds between `now` (ms since 1970) and the newest frame, by the publisher's clock; undefined: the session is
   * live.
   */
  behind(now: number): number | undefined {
    if (this.#pace === undefined) return undefined;
    return this.#shownAt === undefined ? 0 : Math.max(0, (now - this.#shownAt) / 1000);
  }

  get connectionId(): string | undefined {
    return this.#subscriber.connectionId;
  }

  /** Like `Subscriber.send`, to everybody. */
  send(body: Json): number | undefined {
    return this.#subscriber.send(body);
  }

  close(): void {
    this.#subscriber.close();
  }

  async #follow(take: (event: SubscriberEvent | undefined) => void): Promise<void> {
    try {
      for await (const event of this.#subscriber) {
        if (this.#pace !== undefined && event.type === "frame") {
          await this.#pace.due(event.timestamp);
          this.#shownAt = event.timestamp;
          // A recording needs no connection.
          if (this.room.connection.is === "connecting") this.room.connection = { is: "open" };
        }
        this.room.take(event, performance.now());
        take(event);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.room.connection = { is: "refused", code: error.code, status: error.status };
      take(undefined);
    }
  }
}
