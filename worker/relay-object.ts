// The Durable Object of a relay: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { commonVersion, LINK_VERSIONS, type Versions } from "../protocol/link.ts";
import type { Address, Sender } from "../protocol/messages.ts";
import type { Grant } from "./core/authorize.ts";
import type { JoinRequest } from "./core/join-request.ts";
import { PARKED_CODE } from "./core/links.ts";
import type { Content, Delivery } from "./core/members.ts";
import { isRefusal, type Refusal } from "./core/refusal.ts";
import type { Figures } from "./core/registry.ts";
import { ELSEWHERE, RelayCore } from "./core/relay.ts";
import { parseRelayId } from "./core/relay-id.ts";
import { randomId } from "./ids.ts";
import { LINK_HEADER, LinkDialer } from "./link-dialer.ts";
import { ObjectShell } from "./object-shell.ts";
import { originOf, parentStub, type RelayCalls, relayOf } from "./objects.ts";
import { Problem } from "./problem.ts";
import { ELSEWHERE_STATUS, JOIN_HEADER, type RoomEnv } from "./room-env.ts";
import { readLimits, readRelayLimits } from "./room-limits.ts";
import { setValues } from "./set-values.ts";
import { answerClose, socketSink } from "./socket-sink.ts";

/** Marks the link's socket among those of subscribers. */
export const LINK_TAG = "link";

/** One relay of a room. */
export class Relay extends DurableObject<RoomEnv> implements RelayCalls {
  readonly #core: RelayCore;
  readonly #shell: ObjectShell;
  /** The current link and the links that it replaced, with their generations. */
  readonly #links = new WeakMap<WebSocket, number>();

  constructor(ctx: DurableObjectState, given: RoomEnv) {
    const env = setValues(given);
    super(ctx, env);
    this.#shell = new ObjectShell(
      ctx,
      env,
      () => this.#core,
      () => suffixOf(this.#core.id),
    );
    const act = (run: (now: number) => void): void => this.#shell.turn(run);
    const dialer = new LinkDialer(
      (id) => ({ stub: relayOf(env, id) }),
      () => this.#core.node.links,
      act,
    );
    const limits = { ...readLimits(env), ...readRelayLimits(env) };
    this.#core = new RelayCore(ctx.id.name, this.#shell.kv, limits, {
      mintEpoch: () => randomId(12),
      random: Math.random,
      dial: (relay, generation) => dialer.dial(relay, generation),
      post: (from, to, content, done) => {
        const answer = originOf(env, this.#core.room).deliverAll(from, to, JSON.stringify(content));
        void answer.catch((): Delivery => ({ error: "too_fast" })).then((delivery) => act(() => done(delivery)));
      },
      call: (parent, relay) => {
        parentStub(env, parent)
          .called(relay)
          .then(
            (isKnown) => void this.#shell.write((now) => this.#core.answered(now, parent, isKnown)),
            () => act((now) => this.#core.parent?.unreachable(now)),
          );
      },
    });
    const connections = this.#shell.connections();
    for (const { ws, saved } of connections) if (saved.role === "link") this.#links.set(ws, saved.generation);
    this.#core.restore(Date.now(), connections);
    this.#shell.start();
  }

  async assign(assignment: object): Promise<number> {
    const ended = await this.#shell.write((now) => this.#core.assign(now, assignment));
    if (isRefusal(ended)) throw new Error(ended.detail);
    return ended;
  }

  async dismiss(isOver: boolean): Promise<void> {
    await this.#shell.write((now) => this.#core.dismiss(now, isOver));
  }

  async move(count: number): Promise<void> {
    this.#shell.act((now) => this.#core.move(now, count));
  }

  async deliver(from: Sender, to: Address, content: string): Promise<Delivery> {
    return this.#shell.act((now) => this.#core.node.members.deliver(now, from, to, JSON.parse(content) as Content));
  }

  async connections(): Promise<Figures[]> {
    return this.#core.node.registry.figures(Date.now());
  }

  async kick(connection: string): Promise<boolean> {
    return this.#shell.act((now) => this.#core.node.kick(now, connection));
  }

  async renew(grant: Grant, connection: string): Promise<Refusal | true> {
    return this.#shell.act((now) => this.#core.renew(now, grant, connection));
  }

  async called(relay: string): Promise<boolean> {
    const isKnown = this.#core.node.links.has(relay);
    if (isKnown) this.#shell.act((now) => this.#core.node.links.called(now, relay));
    return isKnown;
  }

  /** The parent dials, or the Worker brings a validated subscriber. */
  override async fetch(request: Request): Promise<Response> {
    const link = request.headers.get(LINK_HEADER);
    if (link !== null) return this.#link(JSON.parse(decodeURIComponent(link)) as LinkRequest);
    const knock = JSON.parse(decodeURIComponent(request.headers.get(JOIN_HEADER) ?? "")) as JoinRequest;
    const join = this.#shell.act((now) => this.#core.enter(now, knock));
    if (join === ELSEWHERE) return new Response(null, { status: ELSEWHERE_STATUS });
    if (isRefusal(join)) return new Problem(join.refused, join.detail).response();
    return this.#shell.accept(join);
  }

  async here(): Promise<void> {}

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const generation = this.#links.get(ws);
    if (generation === undefined) return this.#shell.message(ws, message);
    const bytes = typeof message === "string" ? message : new Uint8Array(message);
    const fault = this.#core.parent?.message(Date.now(), generation, bytes);
    if (fault !== undefined) ws.close(1002, fault);
    this.#shell.done();
  }

  override webSocketClose(ws: WebSocket, code: number, _reason: string, wasClean: boolean): void {
    const generation = this.#links.get(ws);
    if (generation === undefined) return this.#shell.closed(ws, code, wasClean);
    this.#unlinked(ws, generation, wasClean && code === PARKED_CODE);
    answerClose(ws, code, wasClean);
  }

  override webSocketError(ws: WebSocket): void {
    const generation = this.#links.get(ws);
    if (generation === undefined) this.#shell.left(ws, true);
    else this.#unlinked(ws, generation, false);
  }

  override alarm(): Promise<void> {
    return this.#shell.alarm();
  }

  #link({ generation, versions }: LinkRequest): Response {
    const version = commonVersion(LINK_VERSIONS, versions);
    if (version === undefined) return new Response("no common version", { status: 426 });
    return this.#shell.act((now) => {
      const { client, server } = this.#shell.socket();
      this.ctx.acceptWebSocket(server, [LINK_TAG]);
      this.#links.set(server, generation);
      if (!this.#core.parent?.opened(now, generation, socketSink(this.ctx, server), version)) {
        this.#links.delete(server);
        server.close(1000, "a newer link, or no link");
      }
      return new Response(null, { status: 101, webSocket: client });
    });
  }

  #unlinked(ws: WebSocket, generation: number, isParked: boolean): void {
    this.#links.delete(ws);
    this.#shell.act((now) => this.#core.parent?.closed(now, generation, isParked));
  }
}

interface LinkRequest {
  readonly generation: number;
  readonly versions: Versions;
}

/** The suffix of the ids of a relay's connections, by which the room finds them: its name without the room's. */
function suffixOf(id: string): string {
  const name = parseRelayId(id);
  return name === undefined ? "" : id.slice(name.room.length);
}
