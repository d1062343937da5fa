// The stage: the screen with the player of the selected track, and the controls that apply to it.
import type { SubscriberEvent } from "../client/index.ts";
import { Controls } from "./controls.ts";
import { element, setText } from "./dom.ts";
import type { Command } from "./keys.ts";
import type { Kind } from "./kinds.ts";
import { noticeOf } from "./notice.ts";
import { createPlayer } from "./players/choose.ts";
import type { Latency, Playback } from "./players/playback.ts";
import type { Player } from "./players/player.ts";
import type { Room, State, Track } from "./room-page.ts";

const WAITING: Playback = { is: "waiting" };

/** Owns everything that is drawn for a track, below `root`. */
export class Stage {
  readonly #video = element("video", { id: "video", part: "video", playsinline: "", "aria-label": "Live video" });
  readonly #notice = element("p", { id: "notice", part: "notice", class: "notice", role: "status" });
  readonly #screen = element("div", { id: "screen", part: "screen", class: "screen" });
  readonly #controls: Controls;
  #track: Track | undefined;
  /** The epoch that the track was already in when it was put on the stage. */
  #epoch: string | undefined;
  #kind: Kind | undefined;
  #player: Player | undefined;

  constructor(root: ParentNode, isMuted: boolean) {
    this.#video.muted = isMuted;
    this.#screen.append(this.#notice);
    this.#controls = new Controls(this.#screen);
    root.append(this.#screen, this.#controls.element);
  }

  get playback(): Playback {
    return this.#player?.playback ?? WAITING;
  }

  latency(now: number): Latency | undefined {
    return this.#player?.latency(now);
  }

  state(room: Room, now: number): State {
    return room.stateWith(this.playback.is, this.#player?.isShowing(now) ?? false);
  }

  /** Puts a track on the stage. */
  select(track: Track | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#epoch = track?.hasData ? track.epoch : undefined;
    this.#replace(undefined);
  }

  /** Takes an event of the track on the stage, after the room's state was updated. */
  take(event: SubscriberEvent): void {
    const track = this.#track;
    if (track === undefined) return;
    if (track.kind !== undefined && track.kind !== this.#kind) this.#replace(track.kind);
    if (event.type === "gap") this.#player?.breakOff();
    if (event.type === "caught-up") this.#player?.caughtUp();
    if (event.type !== "frame") return;
    this.#player?.take({ ...event, init: track.init, format: track.format });
  }

  /** Draws anything that is not drawn on arrival. Called a few times a second. */
  render(room: Room, now: number, state: State): void {
    this.#player?.tick(now);
    const notice = noticeOf(room, this.playback);
    setText(this.#notice, notice);
    this.#notice.hidden = notice === "";
    this.#screen.dataset.kind = this.#kind ?? "none";
    this.#controls.render(this.#player, state, this.latency(now));
  }

  /** Executes a key's command. */
  press(command: Command): void {
    this.#controls.press(command);
  }

  /** Stops playing. */
  close(): void {
    this.#replace(undefined);
  }

  #replace(kind: Kind | undefined): void {
    this.#player?.destroy();
    this.#kind = kind;
    this.#player = kind && createPlayer(kind, this.#video, this.#epoch);
    if (this.#player !== undefined) this.#screen.prepend(this.#player.element);
  }
}
