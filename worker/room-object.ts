// The Durable Object of a room, its origin: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import type { Address, Sender } from "../protocol/messages.ts";
import type { Who } from "./core/attachment.ts";
import type { Grant } from "./core/authorize.ts";
import type { JoinRequest } from "./core/join-request.ts";
import type { RoomReport } from "./core/journal.ts";
import { JournaledRoom } from "./core/journaled-room.ts";
import type { Content, Delivery } from "./core/members.ts";
import type { ShownCredential } from "./core/policy.ts";
import type { RecorderReport } from "./core/recorder-report.ts";
import type { RecordingTerms } from "./core/recorder-state.ts";
import { isRefusal, type Refusal, refusal } from "./core/refusal.ts";
import type { Figures } from "./core/registry.ts";
import type { Revocation } from "./core/revocations.ts";
import { RoomCore } from "./core/room.ts";
import type { RoomSettings } from "./core/room-settings.ts";
import { randomId } from "./ids.ts";
import { LinkDialer } from "./link-dialer.ts";
import { ObjectShell } from "./object-shell.ts";
import { type OriginCalls, relayOf } from "./objects.ts";
import { Problem } from "./problem.ts";
import { RecorderCaller } from "./recorder-caller.ts";
import { RelayCaller } from "./relay-caller.ts";
import { reporter } from "./reporter.ts";
import { JOIN_HEADER, PLACEMENT_STATUS, type Placed, type RoomEnv } from "./room-env.ts";
import { readLimits, readRelayLimits } from "./room-limits.ts";
import { setValues } from "./set-values.ts";

/** One room. */
export class Room extends DurableObject<RoomEnv> implements OriginCalls {
  readonly #core: RoomCore;
  readonly #journaled: JournaledRoom;
  readonly #shell: ObjectShell;
  readonly #relays: RelayCaller;
  readonly #recorders: RecorderCaller;

  constructor(ctx: DurableObjectState, given: RoomEnv) {
    const env = setValues(given);
    super(ctx, env);
    this.#shell = new ObjectShell(
      ctx,
      env,
      () => this.#journaled,
      () => "",
    );
    const act = (run: (now: number) => void): void => this.#shell.turn(run);
    const post = reporter(env.EVENTS, act);
    this.#journaled = new JournaledRoom(() => this.#core, this.#shell.kv, post, Date.now());
    const dialer = new LinkDialer(
      (id) => ({ stub: relayOf(env, id) }),
      () => this.#core.node.links,
      act,
    );
    this.#recorders = new RecorderCaller(env, () => this.#core, act);
    this.#relays = new RelayCaller(env, () => this.#core.relays, act);
    const limits = { ...readLimits(env), ...readRelayLimits(env) };
    this.#core = new RoomCore(
      ctx.id.name ?? "",
      this.#journaled.kv,
      limits,
      {
        mintEpoch: () => randomId(12),
        random: Math.random,
        dial: (relay, generation) => dialer.dial(relay, generation),
        ...this.#recorders.shell,
        post: (from, to, content, done) => {
          void this.#deliverAll(from, to, content).then((delivery) => act(() => done(delivery)));
        },
        assign: (relay, assignment) => this.#relays.assign(relay, assignment),
        dismiss: (relay, isOver) => this.#relays.dismiss(relay, isOver),
        move: (relay, count) => this.#relays.move(relay, count),
      },
      Date.now(),
    );
    this.#journaled.restore(Date.now(), this.#shell.connections());
    this.#shell.start();
  }

  /**
   * The object may have no name if it runs for another instance of a cluster, which knows only its number. So it stores
   * `id`.
   */
  create(id: string, settings: Partial<RoomSettings>): Promise<Refusal | undefined> {
    return this.#shell.write((now) => this.#core.create(now, id, settings));
  }

  admit(who: Who): Refusal | undefined {
    return this.#shell.act(() => this.#core.admit(who));
  }

  mayMint(who: Who, subject: string | undefined): number | Refusal {
    return this.#shell.act(() => this.#core.policy.mayMint(who, subject));
  }

  embedOrigins(): readonly string[] {
    return this.#shell.act(() => this.#core.policy.embedOrigins);
  }

  describe(who: Who) {
    const told = this.#shell.act((now) => this.#core.describe(now, who));
    return isRefusal(told) ? told : { ...told, metered: this.#journaled.figures(Date.now()) };
  }

  /** The state of the room, for an index that has not got a report for long; undefined: there is no room. */
  report(): RoomReport | undefined {
    return this.#shell.act((now) => this.#journaled.report(now));
  }

  /** The connections of this object. The Worker asks the other objects one after the other. */
  connections(who: Who): { readonly connections: Figures[]; readonly relays: string[] } | Refusal {
    const connections = this.#shell.act((now) => this.#core.connections(now, who));
    return isRefusal(connections) ? connections : { connections, relays: this.#core.relays.ids };
  }

  async update(who: Who, changes: Partial<RoomSettings>): Promise<RoomSettings | Refusal> {
    const settings = await this.#shell.write((now) => this.#core.update(now, who, changes));
    if (!isRefusal(settings)) this.#recorders.tell(changes);
    return settings;
  }

  async shut(who: Who): Promise<Refusal | true> {
    const done = await this.#shell.write((now) => this.#core.shut(now, who));
    await this.#recorders.erased();
    return done;
  }

  /** The tracks that may have a recording, for an HTTP request. `who`: the owner of the grant. */
  recordings(credential: ShownCredential): { readonly grant: Grant; readonly tracks: string[] } | Refusal {
    const grant = this.#core.policy.enter(Date.now(), credential);
    return isRefusal(grant) ? grant : { grant, tracks: this.#core.recorders.tracks };
  }

  /** Deletes the recording of a track, or of all tracks (null). Recording itself continues. */
  async eraseRecordings(who: Who, track: string | null): Promise<Refusal | true> {
    const refused = this.#core.admit(who);
    if (refused !== undefined) return refused;
    const isGone = await this.#recorders.erase(this.#core.recorders.idsOf(track), false);
    return (
      isGone || refusal("room_unavailable", "the bucket does not answer: the rest is deleted when it answers again")
    );
  }

  async recorderCalled(recorder: string): Promise<boolean> {
    const { recorders } = this.#core.node;
    this.#shell.act((now) => recorders.called(now, recorder));
    return recorders.has(recorder);
  }

  async recorderReported(recorder: string, report: RecorderReport): Promise<RecordingTerms | null> {
    return this.#shell.act((now) => this.#journaled.recorderReported(now, recorder, report));
  }

  async isOver(): Promise<boolean> {
    return this.#core.policy.existence !== "open";
  }

  issueTicket(id: string, of: Grant, grant: Grant, ttlMs: number): Promise<number | Refusal> {
    return this.#shell.write((now) => this.#core.issueTicket(now, id, of, grant, ttlMs));
  }

  async renew(grant: Grant, connection: string): Promise<Refusal | true> {
    const refused = this.#core.admit(grant.who);
    if (refused !== undefined) return refused;
    const relay = this.#core.relays.holderOf(connection);
    if (relay !== undefined) return this.#relays.of(relay).renew(grant, connection);
    return this.#shell.act((now) => this.#core.renew(now, grant, connection));
  }

  /** Returns the number of connections that it ended, at all objects that answered within a second. */
  async revoke(who: Who, revocation: Revocation): Promise<number | Refusal> {
    const own = await this.#shell.write((now) => this.#core.revoke(now, who, revocation));
    return isRefusal(own) ? own : own + (await this.#relays.ended());
  }

  async kick(who: Who, connection: string): Promise<Refusal | true> {
    const refused = this.#core.admit(who);
    if (refused !== undefined) return refused;
    const relay = this.#core.relays.holderOf(connection);
    if (relay === undefined) return this.#shell.act((now) => this.#core.kick(now, who, connection));
    const isKicked = await this.#relays.of(relay).kick(connection);
    return isKicked || refusal("connection_not_found", "it may have closed already");
  }

  /** A message from an application, to the whole room. `content` is `Content` as JSON. */
  async deliver(who: Who, to: Address, content: string): Promise<{ connections: number; skipped: number } | Refusal> {
    const refused = this.#core.admit(who);
    if (refused !== undefined) return refused;
    const from = { connection: null, subject: who.subject ?? null };
    const delivery = await this.#deliverAll(from, to, JSON.parse(content) as Content);
    if (!("error" in delivery)) return delivery;
    if (delivery.error === "unknown_address") return refusal("unknown_address", "no connection has this address now");
    return refusal("too_many_requests", "the room cannot deliver more messages at the moment");
  }

  /** A member at a relay sends a message. */
  deliverAll(from: Sender, to: Address, content: string): Promise<Delivery> {
    return this.#deliverAll(from, to, JSON.parse(content) as Content);
  }

  /** A relay asks to be dialled. */
  async called(relay: string): Promise<boolean> {
    if (!this.#core.relays.has(relay)) return false;
    this.#shell.act((now) => this.#core.node.links.called(now, relay));
    return true;
  }

  /**
   * The upgrade. `JOIN_HEADER` contains the Worker's `JoinRequest`. If other objects should serve it, the answer says
   * so.
   */
  override async fetch(request: Request): Promise<Response> {
    const knock = JSON.parse(decodeURIComponent(request.headers.get(JOIN_HEADER) ?? "")) as JoinRequest;
    if (knock.instance !== undefined) this.#relays.instances.seen(knock.instance, Date.now());
    const enter = (now: number) => this.#core.enter(now, knock);
    // A ticket is a row that is deleted when the ticket is used.
    const entry = knock.credential.by === "ticket" ? await this.#shell.write(enter) : this.#shell.act(enter);
    if (isRefusal(entry)) return new Problem(entry.refused, entry.detail).response();
    if (entry.at === "here") return this.#shell.accept(entry.join);
    const placed: Placed = entry.at === "nowhere" ? { placement: null, grant: null } : entry;
    return Response.json(placed, { status: PLACEMENT_STATUS });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    this.#shell.message(ws, message);
  }

  override webSocketClose(ws: WebSocket, code: number, _reason: string, wasClean: boolean): void {
    this.#shell.closed(ws, code, wasClean);
  }

  override webSocketError(ws: WebSocket): void {
    this.#shell.left(ws, true);
  }

  override alarm(): Promise<void> {
    return this.#shell.alarm();
  }

  async #deliverAll(from: Sender, to: Address, content: Content): Promise<Delivery> {
    const relays = this.#core.relays.holdersOf(to);
    const own = this.#shell.act((now) => this.#core.node.members.deliver(now, from, to, content));
    const isRefused = "error" in own && own.error !== "unknown_address";
    return relays.length === 0 || isRefused ? own : this.#relays.deliver(relays, own, from, to, content);
  }
}
