// The parent's end of the link to one relay: dialled when there is something to send, parked when there is not.
import type { ReportedLoad } from "../../protocol/link.ts";
import type { MemberInfo } from "../../protocol/messages.ts";
import { Retry } from "./retry.ts";
import type { Sink } from "./sink.ts";
import type { Subscriber } from "./subscriber.ts";

/** The state of the link to a relay. Times are ms since 1970. */
export type LinkState =
  /** The relay knows its positions, and nothing has come since. */
  | { readonly at: "parked" }
  | { readonly at: "lost" }
  | { readonly at: "dialing"; readonly since: number }
  /** The link is open, but the relay has not sent its positions. */
  | { readonly at: "open"; readonly since: number; readonly sink: Sink }
  | { readonly at: "up"; readonly link: Subscriber; readonly sink: Sink };

/**
 * A lost link is dialled again after a random time up to this, which doubles with each failure up to the second value.
 */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5000;

/** After this number of failures in a row, no subscribers are counted there. */
const GONE_FAILURES = 3;

/** A relay that does not answer within this time is considered missing. */
const ATTACH_MS = 10_000;

/**
 * A link that carried nothing for this long is parked: before the relay falls asleep, and so that the parent can sleep.
 */
const PARK_MS = 5000;

/** One relay as its parent sees it. */
export class ChildLink {
  readonly id: string;
  state: LinkState = { at: "parked" };
  /** Increases with each dial, also across restarts of the parent: the higher one is the newer link. */
  generation = 0;
  /** The last reported loads of the relay and of the relays below it. */
  loads: readonly ReportedLoad[] = [];
  present: readonly MemberInfo[] = [];
  /** A fingerprint of the state when it was parked: while it is the same, there is nothing to send. */
  parkedAs = "";
  readonly #retry = new Retry(RETRY_MS, MAX_RETRY_MS);
  /** Bytes sent over the link at the last look, and the time since which there are no more. */
  #sentBytes = 0;
  #quietSince = 0;
  #parkAsked = false;

  constructor(id: string) {
    this.id = id;
  }

  /** The sink of an open link. */
  get sink(): Sink | undefined {
    return this.state.at === "open" || this.state.at === "up" ? this.state.sink : undefined;
  }

  /** The relay's own subscribers, as last reported. */
  get ownSubscribers(): number {
    return this.loads.find(({ id }) => id === this.id)?.subscribers ?? 0;
  }

  get link(): Subscriber | undefined {
    return this.state.at === "up" ? this.state.link : undefined;
  }

  /** Returns true if there is no link, and none is being dialled. */
  get isDown(): boolean {
    return this.state.at === "parked" || this.state.at === "lost";
  }

  dialed(now: number): void {
    this.generation = Math.max(this.generation + 1, now);
    this.state = { at: "dialing", since: now };
  }

  attached(now: number, link: Subscriber, sink: Sink): void {
    this.#retry.succeeded();
    this.state = { at: "up", link, sink };
    this.#noteTraffic(now, link.connection.sentBytes);
  }

  /** The link is lost. `random`: at least 0 and below 1. */
  failed(now: number, random: number): void {
    this.#retry.failed(now, random);
    // Its subscribers are gone, or reconnect through another object.
    if (this.#retry.failures >= GONE_FAILURES) this.loads = [];
    this.state = { at: "lost" };
  }

  /** The relay stored its positions. Returns true if nothing was sent meanwhile, so that the link may end. */
  mayPark(): boolean {
    const { link } = this;
    const isQuiet = link !== undefined && this.#parkAsked && link.connection.sentBytes === this.#sentBytes;
    return isQuiet && link.cursors.isInStep;
  }

  /** When `tick` is needed. */
  get dueAt(): number | undefined {
    switch (this.state.at) {
      case "parked":
        return undefined;
      case "lost":
        return this.#retry.at;
      case "dialing":
      case "open":
        return this.state.since + ATTACH_MS;
      default:
        return this.#parkAsked ? this.#quietSince + ATTACH_MS : this.#quietSince + PARK_MS;
    }
  }

  /** The next action; undefined: none. */
  tick(now: number): "dial" | "give-up" | "park" | undefined {
    const { link } = this;
    if (link !== undefined && link.connection.sentBytes !== this.#sentBytes)
      this.#noteTraffic(now, link.connection.sentBytes);
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return undefined;
    if (this.state.at === "lost") return "dial";
    if (link === undefined) return "give-up";
    return this.#askPark(now, link);
  }

  /** If the link still has data to send, or its relay did not answer, it is checked again later. */
  #askPark(now: number, link: Subscriber): "park" | undefined {
    this.#quietSince = now;
    link.connection.measure();
    this.#parkAsked = !this.#parkAsked && link.cursors.isInStep && link.connection.queuedBytes === 0;
    return this.#parkAsked ? "park" : undefined;
  }

  #noteTraffic(now: number, sentBytes: number): void {
    this.#sentBytes = sentBytes;
    this.#quietSince = now;
    this.#parkAsked = false;
  }
}
