// The end of connections: by their peers, by the room, or after a long silence.
import { Close, type CloseReason, closeText } from "../../protocol/close.ts";
import type { Closing } from "./fan-out.ts";
import type { Members } from "./members.ts";
import { Publisher } from "./publisher.ts";
import type { Member, Registry } from "./registry.ts";
import type { Track } from "./track.ts";
import type { Tracks } from "./tracks.ts";

/** The delay before a closed client may reconnect. */
const BUSY_RETRY_MS = 2000;

/** How often the room looks for silent connections while it is awake. */
const SILENCE_CHECK_MS = 5000;

/** Ends the connections of a room. Times are ms since 1970. */
export class Departures {
  readonly #registry: Registry;
  readonly #tracks: Tracks;
  readonly #members: Members;
  #checkedAt = 0;

  constructor(registry: Registry, tracks: Tracks, members: Members) {
    this.#registry = registry;
    this.#tracks = tracks;
    this.#members = members;
  }

  /** A peer is gone; `drops`: its queue is gone, too. */
  left(now: number, id: string, drops: boolean): void {
    const member = this.#registry.left(now, id, drops);
    if (member !== undefined) this.#forget(now, member, false);
  }

  /** The room closes a connection, with a text that says why. */
  close(now: number, member: Member, reason: CloseReason, detail?: string): void {
    this.#registry.close(now, member.connection, reason, textOf(reason, detail));
    this.#forget(now, member, reason !== Close.takenOver);
  }

  /** Closes the subscribers that the fan-out found too slow. */
  closeAll(now: number, closings: readonly Closing[]): void {
    for (const { subscriber, reason } of closings) this.close(now, subscriber, reason);
  }

  /** After sleep, at a relay: closes the subscribers whose positions in `track` nobody knows. They resume by position. */
  closeLost(now: number, track: Track): void {
    for (const subscriber of [...this.#registry.subscribers.values()]) {
      const state = subscriber.cursors.get(track)?.state;
      if (state?.at === "flowing" && state.cursor === null) this.close(now, subscriber, Close.goingAway);
    }
  }

  /** Peers that vanished silently are found when something else happens: they do not wake the room. */
  checkSilence(now: number): void {
    if (now - this.#checkedAt < SILENCE_CHECK_MS) return;
    this.#checkedAt = now;
    for (const member of [...this.#registry]) {
      if (member.connection.isSilent(now)) this.close(now, member, Close.unproven, "no ping and no message arrived");
    }
  }

  /** `isFinal`: the room ended it; otherwise it may reconnect at once. */
  #forget(now: number, member: Member, isFinal: boolean): void {
    if (member instanceof Publisher) this.#tracks.get(member.track.name)?.leave(now, member, isFinal);
    else for (const live of this.#tracks) live.part(now, member);
    this.#members.left(now, member.connection);
  }
}

/** The text of a close, with the delay before the client may reconnect, unless it only needs a new token. */
export function textOf(reason: CloseReason, detail = ""): string {
  const isPressing = reason.code === Close.tokenExpired.code || reason.code === Close.moved.code;
  const mayReturn = reason.code < 4500 && !isPressing;
  return closeText(reason, detail, mayReturn ? BUSY_RETRY_MS : undefined);
}
