// The recorders of a room, at its origin: a link for each recorded track, and a row for each recording with its last
// report.
import { flag, number, orNull, record, text, whole } from "./checked.ts";
import type { RecordingState } from "./events.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { parseRecorderId, recorderId } from "./recorder-id.ts";
import type { RecorderReport } from "./recorder-report.ts";
import type { RecordingTerms } from "./recorder-state.ts";
import type { RoomNode } from "./room-node.ts";
import { isRecorded, type RoomSettings } from "./room-settings.ts";
import { readRows, writeRow } from "./stored-row.ts";

/** Each has a row, and may have objects in the bucket. Further tracks are not recorded. */
const MAX_RECORDINGS = 256;

const PREFIX = "recorder:";

/** The origin's calls to its recorders. None of them throws. */
export interface RecordersShell {
  /** Missing if there is no bucket: nothing is then recorded. */
  dialRecorder?(recorder: string, generation: number): void;
  /** Sends a recorder its terms. */
  keepRecording?(recorder: string, terms: RecordingTerms): void;
  /** The recordings are no longer needed, and nothing more will be recorded. */
  eraseRecordings?(recorders: readonly string[]): void;
}

/** The last report of a recorder. */
type Told = Omit<RecorderReport, "used">;

const NOTHING: Told = { isRecording: false, isFailing: false, bytes: 0, from: null };

/** Times are ms since 1970. */
export class Recorders {
  readonly #room: () => string;
  readonly #kv: KeyValueStore;
  readonly #node: RoomNode;
  readonly #settings: () => RoomSettings;
  readonly #shell: RecordersShell;
  /** Tracks that have, or had, a recording. */
  readonly #tracks: Map<string, Told>;
  readonly #unsaved = new Set<string>();

  constructor(
    room: () => string,
    kv: KeyValueStore,
    node: RoomNode,
    settings: () => RoomSettings,
    shell: RecordersShell,
  ) {
    this.#room = room;
    this.#kv = kv;
    this.#node = node;
    this.#settings = settings;
    this.#shell = shell;
    const rows = readRows(kv, PREFIX, ({ track, told }) => [text(track), toldOf(told)] as const);
    this.#tracks = new Map(rows.values());
  }

  /** The tracks that may have a recording. */
  get tracks(): string[] {
    return [...this.#tracks.keys()];
  }

  /** Their recorders. */
  get ids(): string[] {
    return this.idsOf(null);
  }

  /** The recorder of one of them, or of all (null). */
  idsOf(name: string | null): string[] {
    const room = this.#room();
    return this.tracks.flatMap((track) => (name === null || name === track ? [recorderId({ room, track })] : []));
  }

  /** The recorders that currently record. */
  get states(): RecordingState[] {
    const room = this.#room();
    return [...this.#tracks].flatMap(([track, { isRecording, isFailing }]) =>
      isRecording && this.#node.recorders.has(recorderId({ room, track })) ? [{ track, failing: isFailing }] : [],
    );
  }

  /** The data of all recordings. */
  get bytes(): number {
    return [...this.#tracks.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A recorder's terms: if the room has too much data, the track with the oldest data makes space. */
  termsOf(recorder: string): RecordingTerms {
    const { recordingSeconds, recordingBytes } = this.#settings();
    const track = parseRecorderId(recorder)?.track ?? "";
    const others = this.bytes - (this.#tracks.get(track)?.bytes ?? 0);
    const maxBytes = track === this.#oldest ? Math.max(0, recordingBytes - others) : recordingBytes;
    return { keepSeconds: recordingSeconds, maxBytes };
  }

  /** A recorder reports its state. Returns its terms; null: there is no such recorder. */
  reported(recorder: string, { used: _, ...told }: RecorderReport): RecordingTerms | null {
    const track = parseRecorderId(recorder)?.track ?? "";
    if (!this.#tracks.has(track)) return null;
    this.#tracks.set(track, told);
    this.#unsaved.add(track);
    const oldest = this.#oldest;
    if (this.bytes > this.#settings().recordingBytes && oldest !== undefined && oldest !== track) {
      const id = recorderId({ room: this.#room(), track: oldest });
      this.#shell.keepRecording?.(id, this.termsOf(id));
    }
    return this.termsOf(recorder);
  }

  /** The track with the oldest data. */
  get #oldest(): string | undefined {
    const found = [...this.#tracks].flatMap(([track, { from }]) => (from === null ? [] : [{ track, from }]));
    return found.sort((one, other) => one.from - other.from)[0]?.track;
  }

  /** Tracks came or went, or the settings changed. */
  look(now: number): void {
    const room = this.#room();
    const names =
      this.#shell.dialRecorder !== undefined
        ? this.#node.trackNames.filter((name) => isRecorded(this.#settings(), name))
        : [];
    for (const name of names) {
      if (this.#tracks.has(name) || this.#tracks.size >= MAX_RECORDINGS) continue;
      this.#tracks.set(name, NOTHING);
      this.#unsaved.add(name);
    }
    const recorded = names.filter((name) => this.#tracks.has(name));
    const ids = recorded.map((track) => recorderId({ room, track }));
    this.#node.recorders.set(now, ids, false);
  }

  /** The room is closed. */
  eraseAll(): void {
    this.#shell.eraseRecordings?.(this.ids);
    this.#tracks.clear();
    this.#unsaved.clear();
  }

  get isUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  save(): void {
    for (const track of this.#unsaved) {
      writeRow(this.#kv, PREFIX + track, { track, told: this.#tracks.get(track) ?? NOTHING });
      this.#unsaved.delete(track);
    }
  }
}

/** A row from before reports existed has no data. */
function toldOf(value: unknown): Told {
  if (value === undefined) return NOTHING;
  const { isRecording, isFailing, bytes, from } = record(value);
  return {
    isRecording: flag(isRecording),
    isFailing: flag(isFailing),
    bytes: whole(bytes),
    from: orNull(number)(from),
  };
}
