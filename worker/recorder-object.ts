// The Durable Object of a recorder: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { commonVersion, LINK_VERSIONS, type Versions } from "../protocol/link.ts";
import { RecorderCore, type RecorderShell } from "./core/recorder.ts";
import { parseRecorderId, trackPrefix } from "./core/recorder-id.ts";
import type { RecorderReport } from "./core/recorder-report.ts";
import type { RecordingTerms } from "./core/recorder-state.ts";
import {
  type Bounds,
  pageOf,
  type Range,
  type RecordingPage,
  type RecordingSpan,
  type RecordingSummary,
  spanOf,
  summaryOf,
} from "./core/recording-view.ts";
import { spoolBytes } from "./core/spool.ts";
import type { Sql, Value } from "./core/sql.ts";
import type { StoreOrder } from "./core/store-order.ts";
import { randomId } from "./ids.ts";
import { inTime } from "./in-time.ts";
import { LINK_HEADER } from "./link-dialer.ts";
import type { ObjectStore } from "./object-store.ts";
import { originOf, type RecorderCalls } from "./objects.ts";
import { RecorderBucket } from "./recorder-bucket.ts";
import type { RoomEnv } from "./room-env.ts";
import { setValues } from "./set-values.ts";
import { answerClose, socketSink } from "./socket-sink.ts";
import { storeOf } from "./stores.ts";
import { Alarm, Timer } from "./wake.ts";

/** A caller that erases a recording waits no longer for the end. */
const ERASE_MS = 20_000;

/** An object may not know its name, so it stores it. */
const NAME = "name";

/** The recorders that share the memory of this isolate. */
const neighbours = new Set<WeakRef<RecorderCore>>();

/** The unstored bytes of the others. */
function bytesBeside(own: RecorderCore): number {
  let bytes = 0;
  for (const reference of neighbours) {
    const core = reference.deref();
    if (core === undefined) neighbours.delete(reference);
    else if (core !== own) bytes += core.spoolBytes;
  }
  return bytes;
}

/** The recorder of one track. */
export class Recorder extends DurableObject<RoomEnv> implements RecorderCalls {
  readonly #env: RoomEnv;
  readonly #store: ObjectStore | undefined;
  readonly #alarm: Alarm;
  readonly #timer = new Timer(() => this.#act((now) => this.#core.tick(now)));
  /** The current link and the links that it replaced, with their generations. */
  readonly #links = new WeakMap<WebSocket, number>();
  /** Callers that wait until everything erased is gone. */
  #waiting: (() => void)[] = [];
  #id: string;
  #core: RecorderCore;

  constructor(ctx: DurableObjectState, given: RoomEnv) {
    const env = setValues(given);
    super(ctx, env);
    this.#env = env;
    this.#store = storeOf(env);
    this.#alarm = new Alarm(ctx.storage);
    this.#id = ctx.id.name ?? ctx.storage.kv.get<string>(NAME) ?? "";
    this.#core = this.#newCore();
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#act((now) => this.#core.restore(now));
    });
  }

  async keep(terms: RecordingTerms): Promise<void> {
    this.#act((now) => this.#core.keep(now, terms));
  }

  async erase(isOver: boolean): Promise<boolean> {
    this.#act((now) => this.#core.erase(now, isOver));
    const gone = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#act(() => {});
    });
    const isGone = await inTime(gone, ERASE_MS).then(
      () => true,
      () => false,
    );
    if (isGone && this.#core.isOver) {
      await this.ctx.storage.deleteAll();
      this.#core = this.#newCore();
    }
    return isGone;
  }

  async summary(): Promise<RecordingSummary> {
    return summaryOf(this.#core, Date.now());
  }

  async page(range: Range): Promise<RecordingPage> {
    return pageOf(this.#core, Date.now(), range);
  }

  async span(range: Bounds): Promise<RecordingSpan | undefined> {
    return spanOf(this.#core, range);
  }

  async idAtOffset(offset: number): Promise<number | undefined> {
    return this.#core.rows.idAtOffset(offset);
  }

  /** The room dials. */
  override async fetch(request: Request): Promise<Response> {
    const wanted = JSON.parse(decodeURIComponent(request.headers.get(LINK_HEADER) ?? "")) as LinkRequest;
    const version = commonVersion(LINK_VERSIONS, wanted.versions);
    if (version === undefined || this.#store === undefined) return new Response("no link", { status: 426 });
    this.#keepName(wanted.recorder);
    return this.#act((now) => {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      this.#links.set(server, wanted.generation);
      const sink = socketSink(this.ctx, server);
      if (!this.#core.opened(now, wanted.generation, sink, wanted.terms, version)) {
        this.#links.delete(server);
        server.close(1000, "a newer link");
      }
      return new Response(null, { status: 101, webSocket: client });
    });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const generation = this.#links.get(ws);
    // After sleep, nobody knows the tracks' numbers: the room dials again.
    if (generation === undefined) return ws.close(1012, "woken");
    const bytes = typeof message === "string" ? message : new Uint8Array(message);
    const fault = this.#act((now) => this.#core.message(now, generation, bytes));
    if (fault !== undefined) ws.close(1002, fault);
  }

  override webSocketClose(ws: WebSocket, code: number, _reason: string, wasClean: boolean): void {
    this.#unlinked(ws);
    answerClose(ws, code, wasClean);
  }

  override webSocketError(ws: WebSocket): void {
    this.#unlinked(ws);
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang();
    if (!this.#core.isLinked) await this.#ask();
    this.#act((now) => this.#core.alarm(now));
  }

  /** A closed room may not have reached all of its recorders. */
  async #ask(): Promise<void> {
    const { room } = parseRecorderId(this.#id) ?? {};
    if (room === undefined) return;
    const isOver = await originOf(this.#env, room)
      .isOver()
      .catch(() => false);
    if (isOver) this.#act((now) => this.#core.erase(now, true));
  }

  #unlinked(ws: WebSocket): void {
    const generation = this.#links.get(ws);
    this.#links.delete(ws);
    if (generation !== undefined) this.#act((now) => this.#core.closed(now, generation));
  }

  #keepName(id: string): void {
    if (this.#id === id) return;
    this.ctx.storage.kv.put(NAME, id);
    this.#id = id;
    this.#core = this.#newCore();
  }

  #newCore(): RecorderCore {
    const { track = "" } = parseRecorderId(this.#id) ?? {};
    const { storage } = this.ctx;
    const shell: RecorderShell = {
      store: (order) => void this.#put(order),
      remove: (names) => void this.#remove(names),
      list: (cursor) => void this.#list(cursor),
      call: () => void this.#call(),
      nonce: () => randomId(16),
      random: Math.random,
      report: (report) => void this.#report(report),
    };
    let core: RecorderCore | undefined;
    const sql: Sql = {
      exec: (query, ...bindings) => {
        const cursor = storage.sql.exec<Record<string, Value>>(query, ...bindings);
        core?.reporter.uses(0, cursor.rowsWritten);
        return cursor;
      },
    };
    core = new RecorderCore(track, storage.kv, sql, shell, () =>
      core === undefined ? 0 : spoolBytes(bytesBeside(core)),
    );
    neighbours.add(new WeakRef(core));
    return core;
  }

  async #put(order: StoreOrder): Promise<void> {
    try {
      const sha256 = await this.#bucket.put(order);
      this.#act((now) => this.#core.stored(now, order, sha256));
    } catch {
      this.#act((now) => this.#core.notStored(now, order));
    }
  }

  async #remove(names: readonly string[]): Promise<void> {
    const isDone = await this.#bucket.remove(names);
    this.#act((now) => this.#core.removed(now, isDone ? names : undefined));
  }

  async #list(cursor: string | undefined): Promise<void> {
    const page = await this.#bucket.list(cursor);
    this.#act((now) => this.#core.listed(now, page?.names, page?.cursor));
  }

  async #call(): Promise<void> {
    const { room } = parseRecorderId(this.#id) ?? {};
    if (room !== undefined)
      await originOf(this.#env, room)
        .recorderCalled(this.#id)
        .catch(() => false);
  }

  async #report(report: RecorderReport): Promise<void> {
    const { room, track } = parseRecorderId(this.#id) ?? {};
    if (report.isFailing) console.warn(JSON.stringify({ type: "recording.segment_failed", room, track }));
    try {
      const terms = room === undefined ? null : await originOf(this.#env, room).recorderReported(this.#id, report);
      this.#act((now) => this.#core.reported(now, terms));
    } catch {
      this.#act((now) => this.#core.reporter.notTaken(now));
    }
  }

  get #bucket(): RecorderBucket {
    const parsed = parseRecorderId(this.#id);
    if (parsed === undefined || this.#store === undefined) throw new Error("a recorder has a name and a bucket");
    return new RecorderBucket(this.#store, trackPrefix(parsed));
  }

  /** Runs the core, and makes sure that the object wakes when the core needs it. */
  #act<T>(act: (now: number) => T): T {
    const answer = act(Date.now());
    this.#timer.set(this.#core.dueAt);
    if (this.#alarm.by(this.#core.alarmAt)) this.#core.reporter.uses(0, 1);
    if (this.#waiting.length > 0 && this.#core.isSwept) {
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    return answer;
  }
}

interface LinkRequest {
  readonly generation: number;
  readonly versions: Versions;
  readonly recorder: string;
  readonly terms: RecordingTerms;
}
