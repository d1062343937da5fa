// What is known about the room: the connection, the viewers, and each track, from the events of the subscriber.
import type { SubscriberEvent } from "../client/index.ts";
import { Flag } from "../protocol/frame.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { detectKind, type Kind } from "./detect.ts";
import { Meter } from "./figures.ts";

/** The way to the room. `unreached`: it was tried in vain; `lost`: it was there before. */
export type Connection =
  | { readonly is: "connecting" }
  | { readonly is: "unreached" }
  | { readonly is: "open" }
  | { readonly is: "lost" }
  | Refused;

/** For good; `code` is a stable code. */
export interface Refused {
  readonly is: "refused";
  readonly code: string;
  readonly status: number | undefined;
}

/** What the connection comes to for whoever watches a track. */
export type State = "connecting" | "live" | "reconnecting" | "ended" | "refused";

/** One track, as far as it has been seen. */
export interface Track {
  readonly name: string;
  source: "unknown" | "online" | "offline";
  epoch: string | undefined;
  /** The newest sequence seen in the epoch. */
  sequence: number | undefined;
  /** Told by the first bytes of the epoch. */
  kind: Kind | undefined;
  init: Uint8Array | undefined;
  last: Uint8Array | undefined;
  /** The epoch is over: its last frame has come. */
  ended: boolean;
  readonly meter: Meter;
}

/** Follows one room. */
export class Room {
  connection: Connection = { is: "connecting" };
  viewers: number | undefined;
  readonly tracks = new Map<string, Track>();
  #chosen: string | undefined;

  /** The track on the stage: the chosen one, else `main`, else the first that was seen. */
  get selected(): Track | undefined {
    const [first] = this.tracks.values();
    return this.tracks.get(this.#chosen ?? DEFAULT_TRACK) ?? first;
  }

  /** Puts a track on the stage. */
  choose(name: string): void {
    this.#chosen = name;
  }

  /** What `#state` shows. */
  get state(): State {
    switch (this.connection.is) {
      case "refused":
        return "refused";
      case "lost":
        return "reconnecting";
      case "open":
        return this.selected?.ended ? "ended" : "live";
      default:
        return "connecting";
    }
  }

  /** Takes an event that came at `now`. */
  take(event: SubscriberEvent, now: number): void {
    switch (event.type) {
      case "connection":
        this.#connect(event.state);
        break;
      case "occupancy":
        this.viewers = event.subscribers;
        break;
      case "source":
        this.#track(event.track).source = event.state;
        break;
      case "init":
        takeInit(this.#track(event.track), event.epoch, event.payload);
        break;
      case "end":
        this.#track(event.track).ended = true;
        break;
      case "frame":
        takeFrame(this.#track(event.track), event, now);
        break;
    }
  }

  #connect(state: "connecting" | "open" | "lost"): void {
    const before = this.connection.is;
    if (state === "open") this.connection = { is: "open" };
    else if (before === "open") this.connection = { is: "lost" };
    else if (before === "connecting" && state === "lost") this.connection = { is: "unreached" };
  }

  #track(name: string): Track {
    let track = this.tracks.get(name);
    if (track === undefined) {
      track = newTrack(name);
      this.tracks.set(name, track);
    }
    return track;
  }
}

function newTrack(name: string): Track {
  return {
    name,
    source: "unknown",
    epoch: undefined,
    sequence: undefined,
    kind: undefined,
    init: undefined,
    last: undefined,
    ended: false,
    meter: new Meter(),
  };
}

function takeInit(track: Track, epoch: string, payload: Uint8Array): void {
  enterEpoch(track, epoch);
  track.init = payload;
  const kind = detectKind(payload);
  if (kind !== "bytes") track.kind ??= kind;
}

function takeFrame(track: Track, frame: SubscriberEvent & { type: "frame" }, now: number): void {
  enterEpoch(track, frame.epoch);
  track.sequence = frame.sequence;
  track.meter.add(frame.payload.byteLength, now);
  track.ended = (frame.flags & Flag.end) !== 0;
  if ((frame.flags & Flag.init) !== 0) track.init = frame.payload;
  if (frame.payload.byteLength === 0) return;
  track.kind ??= detectKind(frame.payload);
  track.last = frame.payload;
}

function enterEpoch(track: Track, epoch: string): void {
  if (track.epoch === epoch) return;
  track.epoch = epoch;
  track.sequence = undefined;
  track.kind = undefined;
  track.init = undefined;
  track.ended = false;
}
