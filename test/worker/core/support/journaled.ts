// A room with its journal, driven as the shell drives it: a clock, an alarm, storage that can be killed, and a queue that
// can be down.
import { encodeMessage, Flag, FrameType } from "../../../../protocol/frame.ts";
import type { Publication, Subscription, Who } from "../../../../worker/core/attachment.ts";
import type { RoomReport } from "../../../../worker/core/journal.ts";
import { JournaledRoom } from "../../../../worker/core/journaled-room.ts";
import { recorderId } from "../../../../worker/core/recorder-id.ts";
import type { RecorderReport } from "../../../../worker/core/recorder-report.ts";
import type { RecordingTerms } from "../../../../worker/core/recorder-state.ts";
import { RoomCore, type RoomShell } from "../../../../worker/core/room.ts";
import type { RoomSettings } from "../../../../worker/core/room-settings.ts";
import { aloneShell, NO_RELAYS } from "./alone.ts";
import { MapStore } from "./map-store.ts";
import { Wire } from "./wire.ts";

export const WHO: Who = { subject: undefined, jti: "test", issuedAt: 0, expiresAt: null };

const SUBSCRIPTION: Subscription = { framed: true, tracks: null, start: { at: "group" }, delivery: "live" };
const PUBLICATION: Publication = { track: "main", resume: null, unacknowledged: null, takeover: false };

export class JournaledWorld {
  readonly kv = new MapStore();
  readonly reports: RoomReport[] = [];
  /** The terms that recorders got. */
  readonly kept: { readonly recorder: string; readonly terms: RecordingTerms }[] = [];
  isQueueDown = false;
  now = Date.UTC(2026, 0, 1);
  alarmAt: number | undefined;
  /** ms for which a timer was set. */
  timedMs = 0;
  core!: RoomCore;
  room!: JournaledRoom;
  readonly #isTelling: boolean;
  #wires = new Map<string, Wire>();
  /** The queue's pending answers. */
  #answers: (() => void)[] = [];
  #ids = 0;
  #epochs = 0;

  constructor(isTelling = true) {
    this.#isTelling = isTelling;
    this.wake();
  }

  /** The object comes into memory; the connections that slept with it remain. */
  wake(): void {
    const post = (report: RoomReport, done: (isTaken: boolean) => void): void => {
      if (!this.isQueueDown) this.reports.push(structuredClone(report));
      this.#answers.push(() => done(!this.isQueueDown));
    };
    const room = new JournaledRoom(() => this.core, this.kv, this.#isTelling ? post : undefined, this.now);
    const shell: RoomShell = {
      ...aloneShell(() => `e${this.#epochs++}`),
      dialRecorder: () => {},
      keepRecording: (recorder, terms) => void this.kept.push({ recorder, terms }),
    };
    this.core = new RoomCore("room", room.kv, NO_RELAYS, shell, this.now);
    this.room = room;
    const connections = [...this.#wires.values()].flatMap((sink) =>
      sink.saved && !sink.closed ? [{ saved: sink.saved, sink }] : [],
    );
    room.restore(this.now, connections);
    this.#keep();
  }

  /** It dies, and all connections with it. */
  die(): void {
    this.#wires = new Map();
    this.#answers = [];
    this.wake();
  }

  create(settings: Partial<RoomSettings> = {}): void {
    this.call(() => this.core.create(this.now, "room", settings));
  }

  /** A request from outside. */
  call(act: () => unknown): void {
    this.room.requested(this.now);
    this.turn(act);
  }

  turn(act: () => unknown): void {
    act();
    this.room.acted(this.now);
    this.#keep();
    for (let answer = this.#answers.shift(); answer !== undefined; answer = this.#answers.shift()) this.turn(answer);
  }

  subscribe(): string {
    return this.#join((id, wire) => {
      this.room.join(this.now, id, { role: "subscribe", who: WHO, subscription: SUBSCRIPTION }, wire);
    });
  }

  publish(publication: Partial<Publication> = {}): string {
    return this.#join((id, wire) => {
      const join = { role: "publish", who: WHO, publication: { ...PUBLICATION, ...publication } } as const;
      this.room.join(this.now, id, join, wire);
    });
  }

  frame(publisher: string, sequence: number): void {
    const payload = new Uint8Array(100);
    const flags = sequence % 30 === 0 ? Flag.key : 0;
    const bytes = encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: 0, payload }]);
    this.room.binary(this.now, publisher, bytes);
    for (const wire of this.#wires.values()) while (wire.arrive() !== undefined);
    if (this.room.isUnsaved(this.now)) throw new Error("a frame makes the room write");
  }

  /** A recorder tells how it stands. */
  recorded(track: string, told: Partial<RecorderReport>): RecordingTerms | null {
    const used = { storageWrites: 0, rowsWritten: 0 };
    const report = { isRecording: true, isFailing: false, bytes: 0, from: null, used, ...told };
    let terms: RecordingTerms | null = null;
    this.call(() => {
      terms = this.room.recorderReported(this.now, recorderId({ room: "room", track }), report);
    });
    return terms;
  }

  leave(id: string): void {
    this.#wires.delete(id);
    this.turn(() => this.room.left(this.now, id, true));
  }

  /** Time passes; timers and the alarm ring when they are due. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (const wire of this.#wires.values()) wire.answerPing(this.now);
    for (;;) {
      const timer = this.room.dueAt ?? Number.POSITIVE_INFINITY;
      const due = Math.max(this.now, Math.min(timer, this.alarmAt ?? Number.POSITIVE_INFINITY));
      const next = Math.min(due, until);
      if (timer !== Number.POSITIVE_INFINITY) this.timedMs += next - this.now;
      this.now = next;
      if (due > until) return;
      if ((this.alarmAt ?? Number.POSITIVE_INFINITY) <= this.now) {
        this.alarmAt = undefined;
        this.call(() => this.room.alarm(this.now));
      } else this.turn(() => this.room.tick(this.now));
    }
  }

  /** All events so far, in order. */
  get events() {
    return this.reports.flatMap(({ events }) => events).sort((a, b) => a.number - b.number);
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  #join(join: (id: string, wire: Wire) => void): string {
    const id = `c${this.#ids++}`;
    const wire = new Wire(true);
    this.#wires.set(id, wire);
    this.call(() => join(id, wire));
    return id;
  }

  #keep(): void {
    if (this.room.isUnsaved(this.now)) this.room.save(this.now);
    const wanted = this.room.alarmAt;
    if (wanted !== undefined && (this.alarmAt ?? Number.POSITIVE_INFINITY) > wanted) this.alarmAt = wanted;
  }
}
