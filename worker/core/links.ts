// The links of one object to the relays below it: dialled, fed like subscribers, parked, dialled again.
import { Close, type CloseReason, closeFor, closeText } from "../../protocol/close.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  commonVersion,
  LINK_VERSIONS,
  type ParentMessage,
  parseRelayMessage,
  type RelayMessage,
  type ReportedLoad,
} from "../../protocol/link.ts";
import type { MemberInfo } from "../../protocol/messages.ts";
import { ChildLink } from "./child-link.ts";
import { earliest } from "./earliest.ts";
import { type LinkShell, type LinkUse, type LinkVenue, type OnNews, TO_RELAYS } from "./link-venue.ts";
import type { Sink } from "./sink.ts";

export type { LinkNews, LinkShell, LinkVenue, OnNews } from "./link-venue.ts";

/** Times are ms since 1970. */
export class Links {
  readonly #venue: LinkVenue;
  readonly #shell: LinkShell;
  readonly #onNews: OnNews;
  readonly #use: LinkUse;
  readonly #children = new Map<string, ChildLink>();
  /** True if the object itself has had no link for long. */
  isSuspended = false;

  constructor(venue: LinkVenue, shell: LinkShell, onNews: OnNews, use: LinkUse = TO_RELAYS) {
    this.#venue = venue;
    this.#shell = shell;
    this.#onNews = onNews;
    this.#use = use;
  }

  /** Sets the relays below. New ones are dialled; the links to removed ones end. */
  set(now: number, ids: readonly string[], areNew: boolean): void {
    for (const [id, child] of this.#children) if (!ids.includes(id)) this.#remove(now, child);
    for (const id of ids) {
      if (this.#children.has(id)) continue;
      const child = new ChildLink(id);
      this.#children.set(id, child);
      if (areNew) this.#dial(now, child);
    }
  }

  /** How many links are open. */
  get open(): number {
    return [...this.#children.values()].filter(({ state }) => state.at === "open").length;
  }

  get ids(): string[] {
    return [...this.#children.keys()];
  }

  has(relay: string): boolean {
    return this.#children.has(relay);
  }

  /** The loads of all relays below. */
  get loads(): ReportedLoad[] {
    return [...this.#children.values()].flatMap(({ loads }) => loads);
  }

  /** The members at the relays below, as far as presence names them. */
  get present(): MemberInfo[] {
    return [...this.#children.values()].flatMap(({ present }) => present);
  }

  /** A relay has something to report, or has lost its link: dials it, unless that is in progress. */
  called(now: number, relay: string): void {
    const child = this.#children.get(relay);
    if (child?.isDown && !this.isSuspended) this.#dial(now, child);
  }

  /** The link is open. Returns false if it is no longer wanted. */
  opened(now: number, relay: string, generation: number, sink: Sink): boolean {
    const child = this.#current(relay, generation);
    if (child?.state.at !== "dialing") return false;
    child.state = { at: "open", since: now, sink };
    if (this.isSuspended) this.#cut(now, child, sink);
    return true;
  }

  /** The link is gone, or could not be opened. */
  closed(now: number, relay: string, generation: number): void {
    const child = this.#current(relay, generation);
    if (child !== undefined && !child.isDown) this.#lose(now, child);
  }

  /** A message from a relay. */
  text(now: number, relay: string, generation: number, text: string): void {
    const child = this.#current(relay, generation);
    if (child === undefined) return;
    try {
      const message = parseRelayMessage(text);
      if (message !== undefined) this.#hear(now, child, message);
      this.check(now);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#lose(now, child, closeFor(error.code));
    }
  }

  /** Data may have arrived: dials parked relays if it has. Costs nothing while none is parked. */
  check(now: number): void {
    if (this.isSuspended) return;
    for (const child of this.#children.values()) {
      if (child.state.at === "parked" && this.#formFor(child) !== child.parkedAs) this.#dial(now, child);
    }
  }

  /**
   * The object itself has had nothing to send for long: its relays also find themselves without a link. Or it has data
   * again.
   */
  suspend(now: number, isSuspended: boolean): void {
    if (this.isSuspended === isSuspended) return;
    this.isSuspended = isSuspended;
    for (const child of this.#children.values()) {
      if (child.isDown) this.#dial(now, child);
      else if (isSuspended && child.sink !== undefined) this.#cut(now, child, child.sink);
    }
  }

  /** When `tick` is needed; undefined: all links are parked, or there are none. */
  get dueAt(): number | undefined {
    let due: number | undefined;
    for (const child of this.#children.values()) due = earliest([due, child.dueAt]);
    return due;
  }

  tick(now: number): void {
    for (const child of this.#children.values()) {
      const { link } = child;
      // The fan-out closed it.
      if (link !== undefined && !this.#venue.registry.has(link)) this.#lose(now, child, Close.slow);
      const todo = child.tick(now);
      if (todo === "dial") this.#dial(now, child);
      if (todo === "give-up") this.#lose(now, child, Close.goingAway);
      if (todo === "park") this.#askPark(child);
    }
  }

  #dial(now: number, child: ChildLink): void {
    child.dialed(now);
    this.#shell.dial(child.id, child.generation);
  }

  #hear(now: number, child: ChildLink, message: RelayMessage): void {
    switch (message.type) {
      case "attach":
        return this.#attach(now, child, message);
      case "load":
        return this.#load(now, child, message);
      case "init": {
        const live = this.#venue.tracks.get(message.track);
        if (live !== undefined) child.link?.cursors.forgetInit(live.track);
        return;
      }
      case "parked":
        if (child.mayPark()) this.#park(now, child);
    }
  }

  #load(now: number, child: ChildLink, { loads, present }: RelayMessage & { type: "load" }): void {
    const before = child.ownSubscribers;
    child.loads = loads;
    child.present = present ?? child.present;
    this.#onNews(now, child.id, loads);
    this.#onNews(now, child.id, child.link?.cursors.isPaused ? "lagging" : "up");
    // The relay subtracts its own subscribers from the room's number. This is only right for a number that includes its
    // report.
    const { occupancy, registry } = this.#venue;
    if (child.ownSubscribers !== before && child.link !== undefined) occupancy.tellOne(child.link.connection, registry);
  }

  /** The relay sent its positions: it gets all following frames, and everything in tracks that it does not know. */
  #attach(now: number, child: ChildLink, { version, positions }: RelayMessage & { type: "attach" }): void {
    const { sink } = child;
    if (sink === undefined) return;
    if (commonVersion(this.#shell.versions ?? LINK_VERSIONS, { least: version, most: version }) === undefined) {
      return this.#lose(now, child, Close.goingAway);
    }
    if (child.link !== undefined) this.#venue.departures.left(now, child.link.id, true);
    const id = `${child.id}/${child.generation}`;
    const { start, tracks } = this.#use.begin(this.#venue, child.id, positions);
    const link = this.#venue.arrivals.link(now, id, start, sink, tracks);
    child.attached(now, link, sink);
    this.#onNews(now, child.id, "up");
  }

  /** It has everything, so its positions are those of the tracks. */
  #askPark(child: ChildLink): void {
    const positions = Array.from(this.#venue.tracks).flatMap(({ track: { name, epoch, next } }) =>
      next === null ? [] : [{ track: name, epoch, sequence: next }],
    );
    child.link?.connection.sendText(JSON.stringify({ type: "park", positions } satisfies ParentMessage));
  }

  #park(now: number, child: ChildLink): void {
    const { sink, link } = child;
    child.state = { at: "parked" };
    if (link !== undefined) this.#venue.departures.left(now, link.id, true);
    sink?.close(PARKED_CODE, "parked");
    child.parkedAs = this.#formFor(child);
    this.#onNews(now, child.id, "parked");
  }

  /** Lets the relay know that it has no link. Nothing is dialled until there is something to send again. */
  #cut(now: number, child: ChildLink, sink: Sink): void {
    if (child.link !== undefined) this.#venue.departures.left(now, child.link.id, true);
    child.state = { at: "parked" };
    sink.close(Close.goingAway.code, closeText(Close.goingAway));
  }

  #lose(now: number, child: ChildLink, reason?: CloseReason): void {
    const { sink, link } = child;
    if (link !== undefined) this.#venue.departures.left(now, link.id, true);
    if (reason !== undefined) sink?.close(reason.code, closeText(reason));
    child.failed(now, this.#shell.random());
    this.#onNews(now, child.id, "lost");
  }

  #remove(now: number, child: ChildLink): void {
    this.#children.delete(child.id);
    if (child.link !== undefined) this.#venue.departures.left(now, child.link.id, true);
    child.sink?.close(PARKED_CODE, "parked");
  }

  #current(relay: string, generation: number): ChildLink | undefined {
    const child = this.#children.get(relay);
    return child?.generation === generation ? child : undefined;
  }

  #formFor({ id }: ChildLink): string {
    return this.#use.form(this.#venue, id);
  }
}

/** A relay whose link ends with this code keeps its subscribers, and waits to be dialled. */
export const PARKED_CODE = 1000;
