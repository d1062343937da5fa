// A recorder's link to its room: dialled by the room, pinged so that the room sends no faster than it accepts, parked
// when everything is stored.
import { PING } from "../../protocol/control.ts";
import { LINK_VERSIONS, type RelayMessage } from "../../protocol/link.ts";
import type { Position } from "../../protocol/position.ts";
import { type Intake, RecorderFeed } from "./recorder-feed.ts";
import { Retry } from "./retry.ts";
import type { Sink } from "./sink.ts";

/** The state of the link. */
type State =
  | { readonly at: "up"; readonly generation: number; readonly sink: Sink; readonly mayPark: boolean }
  /** The room dials when it has data. */
  | { readonly at: "down" }
  /** The recorder was killed: the room may still have the data that it had not stored. */
  | { readonly at: "calling" };

const CALL_MS = 200;
const MAX_CALL_MS = 5000;
/** If a room has not dialled after this number of calls, it has nothing. */
const CALLS = 8;

/** The platform functions that it needs. */
export interface RecorderLinkShell {
  /** Asks the room to dial. */
  call(): void;
  /** At least 0 and below 1. */
  random(): number;
}

/** Times are ms since 1970. */
export class RecorderLink {
  readonly #track: string;
  readonly #shell: RecorderLinkShell;
  readonly #feed: RecorderFeed;
  readonly #calls = new Retry(CALL_MS, MAX_CALL_MS);
  #state: State = { at: "down" };

  constructor(track: string, shell: RecorderLinkShell, intake: Intake) {
    this.#track = track;
    this.#shell = shell;
    this.#feed = new RecorderFeed(track, intake);
  }

  get isUp(): boolean {
    return this.#state.at === "up";
  }

  /** The next wanted frame. */
  get position(): Position | undefined {
    return this.#feed.position;
  }

  goOnAt(position: Position | undefined): void {
    this.#feed.goOnAt(position);
  }

  /** Asks for a link that nobody else would start. */
  call(): void {
    this.#state = { at: "calling" };
  }

  /** The room dialled. Returns false if there is a newer link. */
  opened(generation: number, sink: Sink, version: number = LINK_VERSIONS.most): boolean {
    if (this.#state.at === "up") {
      if (this.#state.generation >= generation) return false;
      this.#state.sink.close(1000, "a newer link");
    }
    this.#state = { at: "up", generation, sink, mayPark: false };
    this.#calls.succeeded();
    this.#feed.reset();
    const { position } = this;
    const positions = position === undefined ? [] : [{ track: this.#track, ...position }];
    this.#say({ type: "attach", version, positions });
    return true;
  }

  closed(generation: number): void {
    if (this.#state.at === "up" && this.#state.generation === generation) this.#state = { at: "down" };
  }

  /** The link is no longer needed. */
  end(): void {
    if (this.#state.at === "up") this.#state.sink.close(1000, "no longer recorded");
    this.#state = { at: "down" };
  }

  /** A message from the room. Throws `ProtocolError`. */
  message(now: number, generation: number, message: string | Uint8Array): void {
    if (this.#state.at !== "up" || this.#state.generation !== generation) return;
    if (typeof message === "string") this.#feed.text(now, message);
    else this.#feed.binary(now, message);
    this.#ping(now);
  }

  /** The room asked whether the link may end. */
  asked(): void {
    if (this.#state.at === "up") this.#state = { ...this.#state, mayPark: true };
  }

  /** Everything is stored, or the bucket does not answer: the room need not stay awake for it. */
  settled(): void {
    if (this.#state.at !== "up" || !this.#state.mayPark) return;
    this.#say({ type: "parked" });
    this.#state = { ...this.#state, mayPark: false };
  }

  /** When `tick` is needed. */
  get dueAt(): number | undefined {
    if (this.#state.at === "up") return this.#feed.pingAt;
    return this.#state.at === "calling" ? (this.#calls.at ?? 0) : undefined;
  }

  tick(now: number): void {
    if (this.#state.at === "up") return this.#ping(now);
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return;
    if (this.#calls.failures >= CALLS) {
      this.#state = { at: "down" };
      return;
    }
    this.#calls.failed(now, this.#shell.random());
    this.#shell.call();
  }

  #ping(now: number): void {
    if (this.#state.at === "up" && this.#feed.takePing(now)) this.#state.sink.send(PING);
  }

  #say(message: RelayMessage): void {
    if (this.#state.at === "up") this.#state.sink.send(JSON.stringify(message));
  }
}
