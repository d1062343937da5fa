// A relay's end of its link: the parent's data becomes the relay's tracks, with the same numbers and positions.
import type { GapReason, ServerMessage } from "../../protocol/control.ts";
import { MAX_TRACKS } from "../../protocol/limits.ts";
import type { RelayMessage } from "../../protocol/link.ts";
import type { Arrivals } from "./arrivals.ts";
import type { LinkedTrack } from "./attachment.ts";
import type { Departures } from "./departures.ts";
import type { LiveTrack } from "./live-track.ts";
import type { ParkedTrack } from "./parked-row.ts";
import { TrackInput } from "./track-input.ts";
import type { Tracks } from "./tracks.ts";

type TrackMessage = ServerMessage & { type: "track" };
type FormatMessage = ServerMessage & { type: "format" };
type GapMessage = ServerMessage & { type: "gap" };
type SourceMessage = ServerMessage & { type: "source" };

/** The position of a relay in a track. */
export interface LinkPosition {
  readonly track: string;
  readonly epoch: string;
  readonly sequence: number;
}

/** The parts of a relay that an uplink feeds. */
export interface Basin {
  readonly tracks: Tracks;
  readonly arrivals: Pick<Arrivals, "announce" | "announceToLinks">;
  readonly departures: Departures;
  /** Sends a message to the parent. */
  readonly ask: (message: RelayMessage) => void;
}

/**
 * Takes a parent's messages. Times are ms since 1970. An invalid message throws `ProtocolError`: the link ends, and
 * starts again.
 */
export class Uplink {
  readonly #basin: Basin;
  /** By the number in frame headers. */
  readonly #inputs = new Map<number, { readonly live: LiveTrack; readonly input: TrackInput }>();
  /** The sources of tracks without frames so far. */
  readonly #sources = new Map<string, "online" | "offline">();
  #framesReceived = 0;
  #bytesReceived = 0;

  constructor(basin: Basin) {
    this.#basin = basin;
  }

  get counters() {
    return { framesReceived: this.#framesReceived, bytesReceived: this.#bytesReceived };
  }

  /** The tracks, for the link's attachment. */
  get tracks(): LinkedTrack[] {
    return Array.from(this.#basin.tracks, ({ track: { name, number, epoch, format }, source }) => ({
      ...{ name, number, epoch },
      source: source.state,
      ...(format !== null && { format }),
    }));
  }

  /** The relay's position in each track in which it is known. */
  get positions(): LinkPosition[] {
    const known: LinkPosition[] = [];
    for (const { track } of this.#basin.tracks) {
      if (track.next !== null) known.push({ track: track.name, epoch: track.epoch, sequence: track.next });
    }
    return known;
  }

  /** The same, with everything that has to be stored at `park`. */
  get parked(): ParkedTrack[] {
    const next = new Map(this.positions.map(({ track, sequence }) => [track, sequence]));
    return this.tracks.flatMap((track) => {
      const known = next.get(track.name);
      return known === undefined ? [] : [{ ...track, next: known }];
    });
  }

  /** After sleep: restores a track from the link's attachment, or, with the next `sequence`, from the row of `park`. */
  restore({ name, number, epoch, source, format }: LinkedTrack, sequence: number | null): void {
    const live = this.#basin.tracks.get(name) ?? this.#basin.tracks.create(name, epoch, number);
    live.track.format = format ?? null;
    if (sequence !== null) live.track.follow(epoch, sequence);
    live.restoreSource(source);
    this.#listen(live);
  }

  /** The parent tells the relay its position. */
  learn({ track, epoch, sequence }: LinkPosition): void {
    const live = this.#basin.tracks.get(track);
    if (live?.track.epoch === epoch) live.wake(sequence);
  }

  /** A binary message, with frames that the parent received `ageMs` ago. */
  binary(now: number, bytes: Uint8Array, ageMs: number): void {
    const found = this.#inputs.get(bytes[TRACK_OFFSET] ?? -1);
    if (found === undefined) return;
    const { live, input } = found;
    const incoming = input.read(bytes, (sequence) => this.#wake(live, sequence));
    this.#bytesReceived += bytes.byteLength;
    if (incoming.is === "init") live.track.learnInit(incoming.sequence, incoming.payload);
    if (incoming.is !== "frames") return;
    this.#framesReceived += incoming.frames.length;
    live.track.append(incoming.bytes, incoming.frames, Math.max(now - ageMs, live.track.history.newestAt ?? 0));
    this.#basin.tracks.boundHistory(now);
    this.#advance(now, live);
  }

  /** A text message of a subscriber's kind. Returns true if the link's attachment changed. */
  tell(now: number, message: ServerMessage): boolean {
    if (message.type === "track") return this.#track(now, message);
    if (message.type === "gap") this.#gap(now, message);
    if (message.type === "caught-up") this.#caughtUp(now, message.name);
    if (message.type === "format") return this.#format(message);
    return message.type === "source" && this.#source(message);
  }

  #track(now: number, { track: number, name, epoch, sequence, format }: TrackMessage): boolean {
    const { tracks } = this.#basin;
    const known = tracks.get(name);
    const isRenumbered = this.#renumber(number, name);
    if (known?.track.next === null) this.#basin.departures.closeLost(now, known.track);
    if (known?.track.epoch === epoch) {
      if (known.track.next === null) this.#wake(known, sequence);
      else if (sequence > known.track.next) known.track.skip(known.track.next, sequence - 1, "relay");
      this.#listen(known);
      this.#advance(now, known);
      return known.describe(format ?? null) || isRenumbered;
    }
    if (known === undefined) this.#makePlace();
    const live = known ?? tracks.create(name, epoch, number);
    if (known === undefined) live.track.isFilling = true;
    if (known === undefined) live.track.follow(epoch, sequence);
    else live.followEpoch(epoch, sequence);
    live.describe(format ?? null);
    this.#listen(live);
    live.follow(this.#sources.get(name) ?? "online");
    if (known === undefined) this.#basin.arrivals.announceToLinks(now, live);
    else this.#advance(now, live);
    return true;
  }

  #gap(now: number, { name, epoch, from, to, reason }: GapMessage): void {
    const live = this.#basin.tracks.get(name);
    if (live?.track.epoch !== epoch) return;
    if (live.track.next === null) this.#wake(live, from);
    if (to === null) return live.track.loseEnd();
    const next = live.track.next ?? from;
    if (to < next) return;
    live.track.skip(next, to, reasonBelow(reason));
    this.#advance(now, live);
  }

  #caughtUp(now: number, name: string): void {
    const live = this.#basin.tracks.get(name);
    if (!live?.track.isFilling) return;
    live.track.isFilling = false;
    this.#basin.arrivals.announce(now, live);
  }

  #source({ name, state }: SourceMessage): boolean {
    this.#sources.set(name, state);
    const live = this.#basin.tracks.get(name);
    live?.follow(state);
    return live !== undefined;
  }

  #format({ name, epoch, format }: FormatMessage): boolean {
    const live = this.#basin.tracks.get(name);
    return live?.track.epoch === epoch && live.describe(format);
  }

  /** After sleep, the first message gives the track's position; the init is gone. */
  #wake(live: LiveTrack, sequence: number): void {
    live.wake(sequence);
    this.#basin.ask({ type: "init", track: live.track.name });
  }

  #listen(live: LiveTrack): void {
    this.#inputs.set(live.track.number, { live, input: new TrackInput(live.track) });
  }

  /** `name` has this number from now on. Returns true if it had another. */
  #renumber(number: number, name: string): boolean {
    const { tracks } = this.#basin;
    const known = tracks.get(name);
    if (known?.track.number === number) return false;
    for (const other of [...tracks]) if (other.track.number === number) this.#orphan(other);
    if (known !== undefined) {
      this.#inputs.delete(known.track.number);
      known.changeNumber(number);
      this.#basin.ask({ type: "init", track: name });
    }
    return true;
  }

  /**
   * Another track has its number. A parent that lost its memory numbers its tracks anew: then it gets another number;
   * otherwise it is over (P10).
   */
  #orphan(live: LiveTrack): void {
    this.#inputs.delete(live.track.number);
    const taken = new Set(Array.from(this.#basin.tracks, ({ track }) => track.number));
    let number = MAX_TRACKS;
    while (taken.has(number)) number++;
    live.changeNumber(number);
  }

  /** There are no more tracks than a room may have: tracks whose numbers others have taken are removed. */
  #makePlace(): void {
    const { tracks } = this.#basin;
    const all = [...tracks];
    if (all.length < MAX_TRACKS) return;
    for (const live of all) if (!live.track.isNumbered) tracks.retire(live);
  }

  #advance(now: number, live: LiveTrack): void {
    this.#basin.departures.closeAll(now, live.advance(now));
  }
}

/** Offset in a frame's header. */
const TRACK_OFFSET = 2;

/** The reason for subscribers of a relay that lacks frames: if the relay lagged, that was not their fault. */
function reasonBelow(reason: GapReason): GapReason {
  return reason === "lagged" || reason === "history" ? "relay" : reason;
}
