// A room with its journal, for a shell: what happens in the room is counted, and reported if there is a queue.
import type { Attachment, Who } from "./attachment.ts";
import type { Join } from "./authorize.ts";
import { earliest } from "./earliest.ts";
import type { SourceState } from "./events.ts";
import { Journal, type PostReport, type RoomReport, type Seen } from "./journal.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { Meter, meteredStore } from "./meter.ts";
import type { Existence } from "./policy.ts";
import type { RecorderReport } from "./recorder-report.ts";
import type { RecordingTerms } from "./recorder-state.ts";
import { isRefusal } from "./refusal.ts";
import type { RoomCore } from "./room.ts";
import type { Sink } from "./sink.ts";
import { NO_USAGE, type Usage } from "./usage.ts";

/** The room is looked at no more often, unless it was created or closed. */
const LOOK_MS = 250;

/** The number of relays in a report: a message of the queue is limited. */
const MAX_NAMED_RELAYS = 128;

/** Identifies the room itself. */
const ITSELF: Who = { subject: undefined, jti: null, issuedAt: Number.POSITIVE_INFINITY, expiresAt: null };

/** A room's usage. Times are ms since 1970. */
export interface UsageFigures {
  /** The start of counting: the room's creation, or, without a queue, the time since its object is in memory. */
  readonly since: number;
  readonly usage: Usage;
  /** The length of the recent past in ms, and the usage in it. */
  readonly recentMs: number;
  readonly recent: Usage;
}

/** Times are ms since 1970. */
export class JournaledRoom {
  /** The room's storage, with counted rows. */
  readonly kv: KeyValueStore;
  readonly #core: () => RoomCore;
  readonly #journal: Journal | undefined;
  readonly #meter: Meter;
  readonly #bornAt: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lookAt: number | undefined;
  #existence: Existence | undefined;

  /** `post` undefined: nothing is reported. */
  constructor(core: () => RoomCore, kv: KeyValueStore, post: PostReport | undefined, now: number) {
    this.#core = core;
    this.kv = meteredStore(kv, () => this.#meter);
    this.#journal = post === undefined ? undefined : new Journal(this.kv, post, now);
    this.#meter = this.#journal?.meter ?? new Meter(NO_USAGE, now);
    this.#bornAt = now;
  }

  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#core().restore(now, connections);
    this.#meter.stores(this.#core().recorders.bytes, 0, 0);
    this.#count(now);
    this.#look(now, false);
  }

  /** A call, an upgrade, an alarm: a request that the platform bills. */
  requested(now: number): void {
    this.#touch(now);
    this.#meter.request();
  }

  /** Something other than a frame was processed. */
  acted(now: number): void {
    this.#count(now);
    const isSame = this.#core().policy.existence === this.#existence;
    if (isSame && now < this.#lookedAt + LOOK_MS) this.#lookAt = this.#lookedAt + LOOK_MS;
    else this.#look(now, false);
  }

  join(now: number, id: string, join: Join, sink: Sink): void {
    this.#core().join(now, id, join, sink);
  }

  text(now: number, id: string, text: string): void {
    this.#touch(now);
    this.#meter.message();
    this.#core().text(now, id, text);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#core().binary(now, id, bytes);
    this.#touch(now);
    this.#meter.frames(bytes.byteLength);
  }

  left(now: number, id: string, drops: boolean): void {
    this.#touch(now);
    this.#core().left(now, id, drops);
  }

  /** A recorder reports its state. Returns its terms; null: there is no such recorder. */
  recorderReported(now: number, recorder: string, report: RecorderReport): RecordingTerms | null {
    const { recorders } = this.#core();
    const terms = recorders.reported(recorder, report);
    // Up to now it was as it was told before.
    this.#count(now);
    this.#meter.stores(recorders.bytes, report.used.storageWrites, 0);
    this.#meter.rows(report.used.rowsWritten, 0);
    return terms;
  }

  get dueAt(): number | undefined {
    return earliest([this.#core().dueAt, this.#journal?.dueAt, this.#journal && this.#lookAt]);
  }

  tick(now: number): void {
    this.#core().tick(now);
    this.#wake(now);
  }

  get alarmAt(): number | undefined {
    return earliest([this.#core().alarmAt, this.#journal?.alarmAt]);
  }

  alarm(now: number): void {
    this.#core().alarm(now);
    this.#look(now, true);
    this.#wake(now);
  }

  isUnsaved(now: number): boolean {
    return this.#core().isUnsaved(now) || this.#journal?.isUnsaved === true;
  }

  save(now: number): void {
    this.#core().save(now);
    this.#journal?.save(now);
  }

  /** An alarm was set. */
  alarmWasSet(): void {
    this.#meter.rows(1, 0);
  }

  /** For the API. */
  figures(now: number): UsageFigures {
    this.#count(now);
    const recent = this.#meter.recent(now);
    const since = this.#journal?.createdAt ?? this.#bornAt;
    return { since, usage: this.#meter.usage, recentMs: recent.ms, recent: recent.usage };
  }

  /** The state of the room, without events; undefined: there is no room, or nothing is reported. */
  report(now: number): RoomReport | undefined {
    this.#count(now);
    this.#look(now, false);
    return this.#journal?.report(now);
  }

  #touch(now: number): void {
    if (this.#journal === undefined) this.#meter.turn(now);
    else this.#journal.touch(now);
  }

  #wake(now: number): void {
    const isBusy = this.#core().dueAt !== undefined;
    if (this.#journal === undefined) this.#meter.turn(now);
    else this.#journal.tick(now, isBusy);
  }

  #look(now: number, isExpired: boolean): void {
    const core = this.#core();
    this.#lookedAt = now;
    this.#lookAt = undefined;
    this.#existence = core.policy.existence;
    if (this.#journal !== undefined) this.#journal.look(now, this.#seen(now), isExpired);
  }

  /** The sums up to now. */
  #count(now: number): void {
    const { node, relays } = this.#core();
    const { total, elsewhere } = node.registry;
    this.#meter.serves(now, total.subscribers, elsewhere.subscribers, relays.ids.length, node.recorders.open);
  }

  #seen(now: number): Seen | undefined {
    const core = this.#core();
    const told = core.describe(now, ITSELF);
    if (isRefusal(told)) return undefined;
    const { room, createdAt, settings, subscribers, publishers, tracks, relays } = told;
    const ids = new Map([...core.node.registry.publishers.values()].map(({ track, id }) => [track.name, id]));
    const sources = tracks.map(
      ({ name, source, format }): SourceState => ({
        track: name,
        online: source === "online",
        publisher: ids.get(name) ?? null,
        format,
      }),
    );
    const { title, public: isPublic } = settings;
    const closed = Object.fromEntries(core.node.registry.endings);
    const ofRelays = relays.slice(0, MAX_NAMED_RELAYS).map(({ id }) => id);
    const state = {
      state: "open",
      title,
      public: isPublic,
      subscribers,
      publishers,
      sources,
      relays: ofRelays,
      recordings: core.recorders.states,
      closed,
    } as const;
    return { room, createdAt, settings, state };
  }
}
