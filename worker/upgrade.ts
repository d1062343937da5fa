// The WebSocket upgrade. The Worker refuses what it can without the room. The room decides the rest, and which object
// serves.
import { Close, closeText } from "../protocol/close.ts";
import type { Config } from "./config.ts";
import { type Asked, permit } from "./core/authorize.ts";
import type { JoinRequest } from "./core/join-request.ts";
import type { Credential } from "./core/policy.ts";
import { type Region, regionOf } from "./core/region.ts";
import { credentialOf, FRAMED, offeredProtocols } from "./credential.ts";
import type { Env } from "./env.ts";
import { sayHere } from "./instances.ts";
import { parseJoin } from "./join-query.ts";
import { relayOf } from "./objects.ts";
import { isOriginAllowed } from "./origin.ts";
import { type News, Placements, type Question } from "./placements.ts";
import { Problem, unwrap } from "./problem.ts";
import { limitRefused } from "./rate-limit.ts";
import { ELSEWHERE_STATUS, JOIN_HEADER, PLACEMENT_STATUS, type Placed, RETRY_MS } from "./room-env.ts";
import { roomOf } from "./room-stub.ts";

/** Answers an upgrade request; throws `Problem`. */
export async function upgrade(request: Request, room: string, env: Env, config: Config): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Problem("upgrade_required", "open this URL as a WebSocket");
  }
  if (!isOriginAllowed(request, config)) throw new Problem("origin_not_allowed", "see ALLOWED_ORIGINS");
  return limitRefused(request, env.UPGRADES, config, () => enter(request, room, env, config));
}

/** The placements in this isolate. */
const placements = new Placements(Date.now, Math.random, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));

/** The longest wait for a relay that is starting. Then clients reconnect by themselves. */
const MAX_WAIT_MS = 8000;

async function enter(request: Request, room: string, env: Env, config: Config): Promise<Response> {
  const framed = offeredProtocols(request).includes(FRAMED);
  const credential = await credentialOf(request, config, room);
  const asked = parseJoin(new URL(request.url).searchParams, framed);
  // This checks the token's rights without asking the room: the room's settings do not matter for that.
  if (credential.by === "token") unwrap(permit(asked, credential.grant, "live"));
  const knock = new Knock(room, asked, credential, framed, env);
  // The room's own object always serves publishers and `reliable` subscribers.
  if (asked.role === "publish" || asked.delivery === "reliable") return knock.at(knock.origin);
  return place(knock, regionOf((request.cf ?? {}) as Parameters<typeof regionOf>[0]));
}

/** Finds the object that serves a subscriber. A small room is asked once, and answers with the WebSocket. */
async function place(knock: Knock, region: Region): Promise<Response> {
  const giveUpAt = Date.now() + MAX_WAIT_MS;
  let isCounted = false;
  do {
    const advice = placements.advise(knock.room, region, isCounted, knock.isUnknown);
    if (advice.do === "wait") await advice.for;
    if (advice.do === "go") {
      const response = await knock.atRelay(advice.relay, region);
      if (response?.status === 101 && !isCounted) placements.admitted(knock.room, region);
      if (response !== undefined) return response;
    }
    if (advice.do !== "ask") continue;
    const response = await askRoom(knock, region, advice);
    if (response !== undefined) return response;
    isCounted = true;
  } while (Date.now() < giveUpAt);
  return full(knock.framed);
}

/** undefined: the room named the objects to try. */
async function askRoom(knock: Knock, region: Region, question: Question): Promise<Response | undefined> {
  const { newcomers, refused, asked } = question;
  let isHeard = false;
  try {
    const instance = await sayHere(knock.env);
    const response = await knock.at(knock.origin, { region, newcomers, refused, ...(instance && { instance }) });
    if (response.status === 101) placements.forget(knock.room, region);
    if (response.status !== PLACEMENT_STATUS) return response;
    isHeard = true;
    const { placement, grant } = await response.json<Placed>();
    if (placement === null) return full(knock.framed);
    knock.grant(grant);
    placements.learn(knock.room, region, placement);
    return undefined;
  } finally {
    asked(isHeard);
  }
}

/** A client that wants to join a room. */
class Knock {
  readonly room: string;
  readonly framed: boolean;
  readonly #asked: Asked;
  readonly env: Env;
  #credential: Credential;

  constructor(room: string, asked: Asked, credential: Credential, framed: boolean, env: Env) {
    this.room = room;
    this.framed = framed;
    this.#asked = asked;
    this.#credential = credential;
    this.env = env;
  }

  get origin(): Pick<Fetcher, "fetch"> {
    return roomOf(this.env, this.room);
  }

  /** True if only the room's own object can validate the credential, a ticket. */
  get isUnknown(): boolean {
    return this.#credential.by === "ticket";
  }

  /** The ticket's grant, from the room. */
  grant(grant: Placed["grant"]): void {
    if (this.#credential.by === "ticket" && grant !== null) this.#credential = { by: "token", grant };
  }

  at(
    object: Pick<Fetcher, "fetch">,
    from: Pick<JoinRequest, "region" | "instance" | keyof News> = {},
  ): Promise<Response> {
    const wanted: JoinRequest = { asked: this.#asked, credential: this.#credential, ...from };
    const headers = new Headers({ upgrade: "websocket", [JOIN_HEADER]: encodeURIComponent(JSON.stringify(wanted)) });
    if (this.framed) headers.set("sec-websocket-protocol", FRAMED);
    return object.fetch(`https://room/${this.room}`, { headers });
  }

  /** undefined: the relay is full, gone, or not in the state that the room expects. */
  async atRelay(relay: string, region: Region): Promise<Response | undefined> {
    const response = await this.at(relayOf(this.env, relay)).catch(() => undefined);
    if (response !== undefined && response.status !== ELSEWHERE_STATUS) return response;
    placements.refused(this.room, region, relay);
    return undefined;
  }
}

/** Accepts the upgrade to tell the client, with a close code, that there is no place (H9). */
function full(framed: boolean): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(Close.roomFull.code, closeText(Close.roomFull, "", RETRY_MS));
  const headers = framed ? { "sec-websocket-protocol": FRAMED } : undefined;
  return new Response(null, { status: 101, webSocket: client, ...(headers && { headers }) });
}
