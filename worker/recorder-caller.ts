// Calls from a room's own object to its recorders: dials them, sends their terms, has recordings erased.
import type { RecordingTerms } from "./core/recorder-state.ts";
import type { RecordersShell } from "./core/recorders.ts";
import type { RoomCore } from "./core/room.ts";
import type { RoomSettings } from "./core/room-settings.ts";
import { LinkDialer } from "./link-dialer.ts";
import { recorderOf } from "./objects.ts";
import type { RoomEnv } from "./room-env.ts";
import { storeOf } from "./stores.ts";

/**
 * The number of attempts for a recorder that does not answer. A recorder that was not reached asks once a day whether
 * the room exists.
 */
const TRIES = 3;

/** Calls of one room. */
export class RecorderCaller {
  readonly #env: RoomEnv;
  readonly #core: () => RoomCore;
  readonly #dialer: LinkDialer;
  #erasing: Promise<boolean> | undefined;

  /** `act` runs the core, and sets its timers. */
  constructor(env: RoomEnv, core: () => RoomCore, act: (act: (now: number) => void) => void) {
    this.#env = env;
    this.#core = core;
    const reach = (recorder: string) => ({
      stub: recorderOf(env, recorder),
      told: { recorder, terms: core().recorders.termsOf(recorder) },
    });
    this.#dialer = new LinkDialer(reach, () => core().node.recorders, act);
  }

  /** The functions that a core needs to record tracks; without a bucket, there are none. */
  get shell(): RecordersShell {
    if (storeOf(this.#env) === undefined) return {};
    return {
      dialRecorder: (recorder, generation) => this.#dialer.dial(recorder, generation),
      keepRecording: (recorder, terms) => this.#keep(recorder, terms),
      eraseRecordings: (recorders) => {
        this.#erasing = this.erase(recorders, true);
      },
    };
  }

  /** Resolves when the recordings of a closed room are gone, or if nobody answers. */
  async erased(): Promise<void> {
    await this.#erasing;
  }

  /** The terms have changed. A recorder that does not get this message gets the terms when it is dialled. */
  tell({ recordingSeconds, recordingBytes }: Partial<RoomSettings>): void {
    if (recordingSeconds === undefined && recordingBytes === undefined) return;
    const { recorders } = this.#core();
    for (const id of recorders.ids) this.#keep(id, recorders.termsOf(id));
  }

  #keep(recorder: string, terms: RecordingTerms): void {
    recorderOf(this.#env, recorder)
      .keep(terms)
      .catch(() => {});
  }

  /** Returns true if nothing is left of these recordings. */
  async erase(recorders: readonly string[], isOver: boolean): Promise<boolean> {
    const gone = await Promise.all(recorders.map((id) => this.#erase(id, isOver)));
    return gone.every((one) => one);
  }

  async #erase(id: string, isOver: boolean): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const isGone = await recorderOf(this.#env, id)
        .erase(isOver)
        .catch(() => undefined);
      if (isGone !== undefined) return isGone;
    }
    return false;
  }
}
