// A recorder with a real index (SQLite), a simulated room and a simulated bucket: everything may fail, and everything
// may be killed.
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { PING, PONG } from "../../../../protocol/control.ts";
import { encodeMessage, Flag, FrameType } from "../../../../protocol/frame.ts";
import { parseRelayMessage } from "../../../../protocol/link.ts";
import { RecorderCore, type RecorderShell } from "../../../../worker/core/recorder.ts";
import { parseObjectName } from "../../../../worker/core/recorder-id.ts";
import type { RecorderReport } from "../../../../worker/core/recorder-report.ts";
import type { Row, Sql, Value } from "../../../../worker/core/sql.ts";
import type { StoreOrder } from "../../../../worker/core/store-order.ts";
import { MapStore } from "./map-store.ts";

const TRACK = "main";
const NUMBER = 3;
export const TERMS = { keepSeconds: 3600, maxBytes: 1024 ** 3 };

/** A published frame. */
interface Published {
  readonly flags: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** SQLite in memory, as the core sees it. */
export function memorySql(): Sql {
  const database = new DatabaseSync(":memory:");
  return {
    exec: (query: string, ...bindings: Value[]) => {
      const statement = database.prepare(query);
      return statement.all(...bindings) as unknown as Row[];
    },
  };
}

/** The simulation of one run. All of its decisions come from `random`, in [0, 1). */
export class RecorderWorld {
  now = 1_800_000_000_000;
  readonly #random: () => number;
  readonly #kv = new MapStore();
  readonly #sql = memorySql();
  readonly bucket = new Map<string, Uint8Array>();
  /** The reports that the room got. */
  readonly reports: (RecorderReport & { readonly at: number })[] = [];
  /** How often the room does not answer. */
  roomFails = 0;
  core: RecorderCore;
  /** Pending answers of the bucket and of the platform, each for one life of the recorder. */
  #pending: { readonly run: () => void; readonly order?: StoreOrder }[] = [];
  #nonces = 0;
  bucketFails = 0;
  readonly #spoolBytes: number;

  /** All published frames, by epoch. */
  readonly truth = new Map<string, Published[]>();
  #epochs = 0;
  epoch = "";
  /** The first sequence that the room still has. */
  historyFrom = 0;
  /** The next frame on the link; undefined: there is none. */
  #sent: { sequence: number } | undefined;
  #generation = 0;
  #isOnline = false;
  #isClosed = false;
  #init: Uint8Array | undefined;

  constructor(random: () => number, spoolBytes = 100_000) {
    this.#random = random;
    this.#spoolBytes = spoolBytes;
    this.core = this.#start();
    this.newEpoch();
  }

  get published(): Published[] {
    return this.truth.get(this.epoch) ?? [];
  }

  #start(): RecorderCore {
    const later = (run: () => void, order?: StoreOrder) => void this.#pending.push({ run, ...(order && { order }) });
    const shell: RecorderShell = {
      store: (order) => later(() => this.#store(order), order),
      nonce: () => `n${String(this.#nonces++).padStart(9, "0")}`,
      random: this.#random,
      report: (report) =>
        later(() => {
          if (this.#random() < this.roomFails) return this.core.reporter.notTaken(this.now);
          this.reports.push({ ...report, at: this.now });
          this.core.reported(this.now, this.#isClosed ? null : TERMS);
        }),
      call: () => later(() => this.link()),
      remove: (names) =>
        later(() => {
          if (this.#random() < this.bucketFails) return this.core.removed(this.now, undefined);
          for (const name of names) this.bucket.delete(name);
          this.core.removed(this.now, names);
        }),
      list: (cursor) =>
        later(() => {
          if (this.#random() < this.bucketFails) return this.core.listed(this.now, undefined, undefined);
          const names = [...this.bucket.keys()].sort().filter((name) => name > (cursor ?? ""));
          const page = names.slice(0, 7);
          this.core.listed(this.now, page, names.length > page.length ? page.at(-1) : undefined);
        }),
    };
    const core = new RecorderCore(TRACK, this.#kv, this.#sql, shell, () => this.#spoolBytes);
    this.core = core;
    core.restore(this.now);
    return core;
  }

  /** An attempt fails, or succeeds without an answer, or succeeds. */
  #store(order: StoreOrder): void {
    const isFailing = this.#random() < this.bucketFails;
    if (!isFailing || this.#random() < 0.3) this.#put(order);
    if (isFailing) return this.core.notStored(this.now, order);
    this.core.stored(this.now, order, sha256(Buffer.concat(order.parts)));
  }

  #put(order: StoreOrder): void {
    if (order.init !== undefined) this.bucket.set(order.init.name, order.init.bytes.slice());
    this.bucket.set(order.name, Buffer.concat(order.parts));
  }

  /** The oldest `count` pending answers arrive. */
  settle(count: number): void {
    for (let done = 0; done < count; done++) {
      const next = this.#pending.shift();
      if (next === undefined) return;
      next.run();
    }
    this.tick();
  }

  /** Messages that were on their way from the killed recorder may still arrive. */
  kill(): void {
    for (const { order } of this.#pending) if (order !== undefined && this.#random() < 0.5) this.#put(order);
    this.#pending = [];
    this.#sent = undefined;
    this.core = this.#start();
  }

  newEpoch(): void {
    this.epoch = `e${this.#epochs++}`;
    this.truth.set(this.epoch, []);
    this.historyFrom = 0;
    this.#init = undefined;
    if (this.#sent !== undefined) this.#announce(0);
  }

  publish(count: number, bytes: number, everyMs: number, groupFrames: number, isEnd: boolean): void {
    this.online(true);
    const first = this.published.length;
    for (let index = 0; index < count; index++) {
      const sequence = first + index;
      const isInit = sequence === 0 || this.#random() < 0.03;
      const isKey = sequence % groupFrames === (sequence === 0 ? 0 : 1);
      const flags = (isInit ? Flag.init : 0) | (isKey ? Flag.key : 0) | (isEnd && index === count - 1 ? Flag.end : 0);
      const payload = new Uint8Array(bytes).fill(sequence);
      this.now += everyMs;
      if (isInit) this.#init = payload;
      this.published.push({ flags, timestamp: this.now, payload });
      if (this.#random() < 0.2) this.#send();
    }
    this.#send();
    this.tick();
    if (isEnd) this.newEpoch();
  }

  /** The room is closed: everything has to be deleted. */
  close(): void {
    this.#isClosed = true;
    this.unlink();
    this.core.erase(this.now, true);
  }

  /** The room dials, unless it is closed. */
  link(): void {
    if (this.#isClosed) return;
    this.#generation++;
    const sink = {
      send: (message: string | Uint8Array) => this.#hear(String(message)),
      close: () => {},
      bufferedBytes: () => 0,
      lastPong: () => undefined,
      save: () => {},
    };
    const generation = this.#generation;
    this.core.opened(this.now, generation, sink, TERMS);
    this.tick();
  }

  unlink(): void {
    this.#sent = undefined;
    this.core.closed(this.now, this.#generation);
    this.tick();
  }

  /** Older frames leave the room. */
  forget(kept: number): void {
    this.historyFrom = Math.max(this.historyFrom, this.published.length - kept);
  }

  /** The link skips, like a late one. */
  lag(): void {
    const from = this.#sent?.sequence;
    const { length } = this.published;
    if (from === undefined || from >= length) return;
    this.#text({ type: "gap", name: TRACK, epoch: this.epoch, from, to: length - 1, reason: "lagged" });
    this.#sent = { sequence: length };
  }

  online(isOnline: boolean): void {
    if (this.#isOnline === isOnline) return;
    this.#isOnline = isOnline;
    if (this.#sent !== undefined) this.#text({ type: "source", name: TRACK, state: isOnline ? "online" : "offline" });
  }

  park(): void {
    if (this.#sent !== undefined) this.#text({ type: "park", positions: [] });
  }

  pass(ms: number): void {
    this.now += ms;
    this.tick();
    if ((this.core.alarmAt ?? Number.POSITIVE_INFINITY) <= this.now) this.core.alarm(this.now);
  }

  tick(): void {
    for (let rounds = 0; (this.core.dueAt ?? Number.POSITIVE_INFINITY) <= this.now && rounds < 20; rounds++) {
      this.core.tick(this.now);
    }
  }

  /** Everything that still happens without events, with a working bucket. */
  finish(): void {
    this.bucketFails = 0;
    for (let rounds = 0; rounds < 400; rounds++) {
      this.settle(1000);
      this.pass(2000);
    }
  }

  /** Throws if the recording is wrong: about bytes, positions, or missing frames. */
  check(): void {
    const { rows } = this.core;
    const seen = new Map<string, { from: number; to: number; isGap: boolean }[]>();
    const note = (epoch: string, from: number, to: number, isGap: boolean) => {
      seen.set(epoch, [...(seen.get(epoch) ?? []), { from, to, isGap }]);
    };
    for (const row of rows.list(0, 100_000)) {
      const truth = this.truth.get(row.epoch)?.slice(row.first, row.next) ?? [];
      const expected = Buffer.concat(truth.map(({ payload }) => payload));
      const stored = this.bucket.get(row.name);
      if (stored === undefined) throw new Error(`no object ${row.name}`);
      if (!expected.equals(stored)) throw new Error(`${row.name} has other bytes than were published`);
      if (row.sha256 !== sha256(stored) || row.bytes !== stored.byteLength)
        throw new Error(`${row.name} is described wrong`);
      if (row.init !== null && !this.bucket.has(row.init.name)) throw new Error(`no init ${row.init.name}`);
      note(row.epoch, row.first, row.next - 1, false);
    }
    for (const { epoch, from, to } of rows.gaps(0, Number.MAX_SAFE_INTEGER)) {
      note(epoch, from, to ?? (this.truth.get(epoch)?.length ?? 0) - 1, true);
    }
    // For the first epoch, it is unknown what came before the recording began.
    const [firstSeen] = [...this.truth.keys()].filter((epoch) => seen.has(epoch));
    for (const [epoch, ranges] of seen) this.#checkRanges(epoch, ranges, epoch === firstSeen);
    for (const name of this.bucket.keys()) {
      const id = parseObjectName(name)?.id;
      if (id === undefined || !rows.has(name, id)) throw new Error(`an orphan: ${name}`);
    }
  }

  /** Segments and gaps follow one another, from the first to the last frame. */
  #checkRanges(epoch: string, ranges: { from: number; to: number; isGap: boolean }[], isFirst: boolean): void {
    const inOrder = ranges.filter(({ from, to }) => to >= from).sort((one, other) => one.from - other.from);
    if (isFirst && inOrder.length === 0) return;
    let next = isFirst ? (inOrder[0]?.from ?? 0) : 0;
    for (const { from, to } of inOrder) {
      if (from !== next) throw new Error(`${epoch}: ${from} follows ${next}`);
      next = to + 1;
    }
    const length = this.truth.get(epoch)?.length ?? 0;
    if (epoch !== this.epoch && next < length) throw new Error(`${epoch} ends at ${next} and not at ${length}`);
  }

  #hear(text: string): void {
    if (text === PING) {
      const generation = this.#generation;
      this.#pending.push({ run: () => void this.core.message(this.now, generation, PONG) });
      return;
    }
    const message = parseRelayMessage(text);
    if (message?.type === "attach") this.#attach(message.positions[0]);
    if (message?.type === "parked") this.unlink();
  }

  /** As a room serves a recorder: from its position if history reaches that far, or else from the oldest group. */
  #attach(position: { readonly epoch: string; readonly sequence: number } | undefined): void {
    const covered = position?.epoch === this.epoch && position.sequence >= this.historyFrom;
    const { length } = this.published;
    let sequence = covered ? position.sequence : this.historyFrom;
    if (!covered)
      while (sequence < length && ((this.published[sequence]?.flags ?? 0) & Flag.key) === 0 && sequence > 0) sequence++;
    this.#announce(sequence);
    this.#text({ type: "source", name: TRACK, state: this.#isOnline ? "online" : "offline" });
    this.#send();
  }

  #announce(sequence: number): void {
    this.#text({ type: "track", track: NUMBER, name: TRACK, epoch: this.epoch, sequence });
    this.#sent = { sequence };
    if (this.#init !== undefined && sequence > 0) {
      this.#message(
        encodeMessage([{ type: FrameType.init, flags: 0, track: NUMBER, sequence, timestamp: 0, payload: this.#init }]),
      );
    }
  }

  #send(): void {
    while (this.#sent !== undefined && this.#sent.sequence < this.published.length) {
      const first = this.#sent.sequence;
      const count = 1 + Math.floor(this.#random() * 20);
      const frames = this.published.slice(first, first + count).map((frame, index) => ({
        ...frame,
        type: FrameType.frame,
        track: NUMBER,
        sequence: first + index,
      }));
      this.#sent.sequence += frames.length;
      this.#message(encodeMessage(frames));
    }
  }

  #message(message: Uint8Array | string): void {
    const fault = this.core.message(this.now, this.#generation, message);
    if (fault !== undefined) throw new Error(`the recorder complains: ${fault}`);
  }

  #text(message: object): void {
    this.#message(JSON.stringify(message));
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
