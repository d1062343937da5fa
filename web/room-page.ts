// The state of the room: the connection, the viewers, and each track, from the events of the subscriber.
import type { SubscriberEvent } from "../client/index.ts";
import { Flag } from "../protocol/frame.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { Meter } from "./figures.ts";
import { detectKind, type Kind, kindOfFormat } from "./kinds.ts";

/**
 * The connection to the room. `unreached`: no attempt succeeded. `lost`: it was open before. `reason`: the name of the
 * close.
 */
export type Connection =
  | { readonly is: "connecting" }
  | { readonly is: "unreached" }
  | { readonly is: "open" }
  | { readonly is: "lost"; readonly reason: string | undefined }
  | Refused;

/** A final refusal; `code` is a stable code. */
export interface Refused {
  readonly is: "refused";
  readonly code: string;
  readonly status: number | undefined;
}

/**
 * The overall state for a viewer. `live`: the stream is visible. `past`: the recording is visible. `waiting`: the room
 * is connected, but the stream is not visible.
 */
export type State = "connecting" | "waiting" | "live" | "past" | "paused" | "reconnecting" | "ended" | "refused";

/** One track, as far as the page knows it. */
export interface Track {
  readonly name: string;
  source: "unknown" | "online" | "offline";
  epoch: string | undefined;
  /** The newest sequence in the epoch. */
  sequence: number | undefined;
  /** As the publisher declares it. */
  format: string | undefined;
  /** From the format, or else from the first bytes of the epoch. */
  kind: Kind | undefined;
  init: Uint8Array | undefined;
  /** A frame with data has arrived in the epoch. */
  hasData: boolean;
  /** The epoch is over: its last frame has arrived. */
  ended: boolean;
  readonly meter: Meter;
}

/** Follows one room. */
export class Room {
  connection: Connection = { is: "connecting" };
  viewers: number | undefined;
  readonly tracks = new Map<string, Track>();
  #chosen: string | undefined;
  #attempts = 0;

  /** The track on the stage: the chosen one, or else `main`, or else the first one that appeared. */
  get selected(): Track | undefined {
    const [first] = this.tracks.values();
    return this.tracks.get(this.#chosen ?? DEFAULT_TRACK) ?? first;
  }

  /** Puts a track on the stage; undefined: the default one. */
  choose(name: string | undefined): void {
    this.#chosen = name;
  }

  /** `playback`, and `isShowing`: the state of the player, and whether the stream is visible. */
  stateWith(playback: "waiting" | "playing" | "paused" | "failed", isShowing: boolean): State {
    if (this.connection.is === "refused") return "refused";
    if (this.connection.is === "lost") return "reconnecting";
    if (this.connection.is !== "open") return "connecting";
    if (this.selected?.ended) return "ended";
    if (playback === "paused") return "paused";
    return isShowing && this.selected?.source !== "offline" ? "live" : "waiting";
  }

  /** Takes an event that arrived at `now`. */
  take(event: SubscriberEvent, now: number): void {
    switch (event.type) {
      case "connection":
        this.#connect(event);
        break;
      case "occupancy":
        this.viewers = event.subscribers;
        break;
      case "source":
        this.#track(event.track).source = event.state;
        break;
      case "format":
        takeFormat(this.#track(event.track), event.epoch, event.format ?? undefined);
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

  #connect({ state, reason }: SubscriberEvent & { type: "connection" }): void {
    if (state === "connecting") this.#attempts++;
    if (state === "open") this.connection = { is: "open" };
    else if (state === "lost") this.connection = { is: "lost", reason };
    else if (this.connection.is === "connecting" && this.#attempts > 1) this.connection = { is: "unreached" };
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

const EMPTY = {
  sequence: undefined,
  format: undefined,
  kind: undefined,
  init: undefined,
  hasData: false,
  ended: false,
};

function newTrack(name: string): Track {
  return { name, source: "unknown", epoch: undefined, ...EMPTY, meter: new Meter() };
}

function takeFormat(track: Track, epoch: string, format: string | undefined): void {
  enterEpoch(track, epoch);
  track.format = format;
  if (format !== undefined) track.kind = kindOfFormat(format) ?? track.kind;
}

function takeInit(track: Track, epoch: string, payload: Uint8Array): void {
  enterEpoch(track, epoch);
  track.init = payload;
  const kind = detectKind(payload);
  if (kind === "mpegts" || kind === "mse") track.kind ??= kind;
}

function takeFrame(track: Track, frame: SubscriberEvent & { type: "frame" }, now: number): void {
  enterEpoch(track, frame.epoch);
  track.sequence = frame.sequence;
  track.meter.add(frame.payload.byteLength, now);
  track.ended = (frame.flags & Flag.end) !== 0;
  if ((frame.flags & Flag.init) !== 0) track.init = frame.payload;
  if (frame.payload.byteLength === 0) return;
  track.kind ??= detectKind(frame.payload);
  track.hasData = true;
}

function enterEpoch(track: Track, epoch: string): void {
  if (track.epoch === epoch) return;
  Object.assign(track, EMPTY, { epoch });
}
