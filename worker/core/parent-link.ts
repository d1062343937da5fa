// A relay's link to its parent: incoming messages, outgoing messages, and the behaviour without a link.
import { PING, PONG, parseServerMessage, type ServerMessage } from "../../protocol/control.ts";
import { type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { LINK_VERSIONS, parseParentMessage, type RelayMessage } from "../../protocol/link.ts";
import type { Attachment } from "./attachment.ts";
import { earliest } from "./earliest.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { LinkPing } from "./link-ping.ts";
import { LoadReport } from "./load-report.ts";
import { forgetParked, nextIn, readParked, writeParked } from "./parked-row.ts";
import { Retry } from "./retry.ts";
import type { RoomNode } from "./room-node.ts";
import type { Sink } from "./sink.ts";
import type { LinkPosition, Uplink } from "./uplink.ts";

export type SavedLink = { readonly saved: Attachment & { role: "link" }; readonly sink: Sink };

/** The state of the link. Times are ms since 1970. */
type State =
  | { readonly at: "up"; readonly generation: number; readonly sink: Sink }
  /** The parent ended it because nothing came; the relay has everything. */
  | { readonly at: "parked" }
  | { readonly at: "lost"; readonly since: number };

/** The parent is asked again for a link after a random time up to this, which doubles up to the second value. */
const CALL_MS = 200;
const MAX_CALL_MS = 5000;

/** The platform functions that it needs. */
export interface ParentShell {
  /** Asks the parent to dial. */
  call(): void;
  /** At least 0 and below 1. */
  random(): number;
}

/** The upper end of a relay. */
export class ParentLink {
  readonly #id: string;
  readonly #node: RoomNode;
  readonly #kv: KeyValueStore;
  readonly #shell: ParentShell;
  readonly #uplink: Uplink;
  readonly #report = new LoadReport();
  #ping = new LinkPing();
  #state: State;
  readonly #calls = new Retry(CALL_MS, MAX_CALL_MS);
  /** It is parked, and has something to report. */
  #wantsLink = false;
  /** The task of `save`: store the relay's positions, or delete them. */
  #unsaved: "park" | "unpark" | undefined;
  #isWritten = false;
  /** How long ago the parent received the frames of the next message. */
  #ageMs = 0;
  /** The reported number of this object's own connections, which the parent's numbers include. */
  #reported = 0;

  constructor(id: string, node: RoomNode, kv: KeyValueStore, shell: ParentShell) {
    this.#id = id;
    this.#node = node;
    this.#kv = kv;
    this.#shell = shell;
    this.#uplink = node.hub.newUplink((message) => this.#say(message));
    this.#state = { at: "lost", since: Number.NEGATIVE_INFINITY };
  }

  get counters() {
    return this.#uplink.counters;
  }

  /** Since when there has been no link although there should be one; undefined: there is one, or none is needed. */
  get lostSince(): number | undefined {
    return this.#state.at === "lost" ? this.#state.since : undefined;
  }

  /** After sleep: the remaining link, the stored positions, and the number of subscribers. Call it before restoring these. */
  restore(now: number, link?: SavedLink, subscribers = 0): void {
    this.#reported = subscribers;
    const parked = readParked(this.#kv);
    this.#isWritten = parked !== undefined;
    if (link !== undefined) {
      this.#state = { at: "up", generation: link.saved.generation, sink: link.sink };
      // The row exists only while nothing has come since `park`.
      for (const track of link.saved.tracks) this.#uplink.restore(track, nextIn(parked, track));
    } else if (parked !== undefined) {
      this.#state = { at: "parked" };
      for (const track of parked) this.#uplink.restore(track, track.next);
    } else {
      this.#state = { at: "lost", since: now };
      this.#calls.succeeded();
    }
  }

  /** The parent dialled; `version`: the newest that both speak. Returns false if there is a newer link. */
  opened(now: number, generation: number, sink: Sink, version: number = LINK_VERSIONS.most): boolean {
    if (this.#state.at === "up") {
      if (this.#state.generation >= generation) return false;
      this.#state.sink.close(1000, "a newer link");
      this.#node.hub.closeUnknown(now);
    }
    this.#state = { at: "up", generation, sink };
    this.#calls.succeeded();
    this.#wantsLink = false;
    this.#ping = new LinkPing();
    this.#saveLink();
    this.#say({ type: "attach", version, positions: this.#uplink.positions });
    this.#tellLoad(now);
    return true;
  }

  /** The link ended; `isParked`: because the relay stored its positions. */
  closed(now: number, generation: number, isParked: boolean): void {
    if (this.#state.at !== "up" || this.#state.generation !== generation) return;
    if (isParked && this.#isWritten && this.#unsaved === undefined) this.#state = { at: "parked" };
    else this.#lose(now);
  }

  /** The parent could not be reached. */
  unreachable(now: number): void {
    if (this.#state.at === "parked") this.#state = { at: "lost", since: now };
  }

  /** A message from the parent. Returns why the link has to end; undefined: it continues. */
  message(now: number, generation: number, message: string | Uint8Array): ErrorCode | undefined {
    if (this.#state.at !== "up" || this.#state.generation !== generation) return undefined;
    try {
      if (typeof message === "string") this.#text(now, message);
      else this.#binary(now, message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.code;
    }
    this.#node.links.check(now);
    return undefined;
  }

  /** When `tick` is needed. */
  get dueAt(): number | undefined {
    if (this.#state.at === "up") return earliest([this.#ping.dueAt, this.#reportAt]);
    return this.#state.at === "lost" || this.#wantsLink ? (this.#calls.at ?? 0) : this.#reportAt;
  }

  tick(now: number): void {
    if ((this.#reportAt ?? Number.POSITIVE_INFINITY) <= now) this.#look(now);
    if (this.#state.at === "up") this.#sendPing(now);
    else if ((this.dueAt ?? Number.POSITIVE_INFINITY) <= now) this.#call(now);
  }

  /** The load below changed. */
  touch(now: number): void {
    this.#report.touch(now);
  }

  get #reportAt(): number | undefined {
    return this.#report.dueAt(this.#node.registry.changes);
  }

  #look(now: number): void {
    if (!this.#report.look(this.#node.load(now), this.#node.loadForm, this.#node.registry.changes)) return;
    if (this.#state.at === "up") this.#tellLoad(now);
    else this.#wantsLink = true;
  }

  #text(now: number, text: string): void {
    if (text === PONG) return this.#ping.pong(now);
    const own = parseParentMessage(text);
    if (own?.type === "park") return this.#park(now, own.positions);
    if (own !== undefined) this.#ageMs = own.ms;
    if (own !== undefined) return;
    const message = parseServerMessage(text);
    if (message === undefined) return;
    this.#ping.received(text.length);
    if (message.type === "track" || message.type === "gap") this.#unpark();
    if (message.type === "occupancy") this.#occupancy(now, message);
    else if (message.type === "presence") this.#node.members.follow(message);
    else if (this.#uplink.tell(now, message)) this.#saveLink();
  }

  #binary(now: number, bytes: Uint8Array): void {
    this.#unpark();
    this.#report.touch(now);
    this.#ping.received(bytes.byteLength);
    this.#uplink.binary(now, bytes, this.#ageMs);
    this.#ageMs = 0;
    this.#sendPing(now);
  }

  get isUnsaved(): boolean {
    return this.#unsaved !== undefined;
  }

  /** Stores changes, and answers `park`. Throws if storage does; it may then be called again. */
  save(): void {
    if (this.#unsaved === "unpark") forgetParked(this.#kv);
    if (this.#unsaved === "park") writeParked(this.#kv, this.#uplink.parked);
    this.#isWritten = this.#unsaved === "park";
    this.#unsaved = undefined;
    if (this.#isWritten) this.#say({ type: "parked" });
  }

  /** A track without a position from the parent is over: subscribers that were in step there reconnect. */
  #park(now: number, positions: readonly LinkPosition[]): void {
    for (const position of positions) this.#uplink.learn(position);
    this.#node.hub.closeUnknown(now);
    this.#unsaved = "park";
  }

  #unpark(): void {
    this.#unsaved = this.#isWritten ? "unpark" : undefined;
  }

  #lose(now: number): void {
    this.#state = { at: "lost", since: now };
    this.#node.hub.closeUnknown(now);
    this.#calls.failed(now, this.#shell.random());
  }

  #call(now: number): void {
    this.#calls.failed(now, this.#shell.random());
    this.#shell.call();
  }

  #occupancy(now: number, { subscribers, publishers }: ServerMessage & { type: "occupancy" }): void {
    const { registry, hub } = this.#node;
    registry.elsewhere = { subscribers: Math.max(0, subscribers - this.#reported), publishers };
    hub.tellOccupancy(now);
  }

  #tellLoad(now: number): void {
    const { links, members, loadForm } = this.#node;
    const own = this.#node.load(now);
    this.#say({ type: "load", loads: [{ id: this.#id, ...own }, ...links.loads], present: members.present });
    this.#report.told(now, own, loadForm);
    this.#reported = own.subscribers;
  }

  #sendPing(now: number): void {
    if (this.#state.at === "up" && this.#ping.take(now)) this.#state.sink.send(PING);
  }

  #saveLink(): void {
    if (this.#state.at !== "up") return;
    const { generation, sink } = this.#state;
    sink.save({ role: "link", id: "link", generation, tracks: this.#uplink.tracks });
  }

  #say(message: RelayMessage): void {
    if (this.#state.at === "up") this.#state.sink.send(JSON.stringify(message));
  }
}
