// Helpers for tests of access control: tokens with any claims and any signature, and requests with any credential.

import { expect, vi } from "vitest";
import type { Claims } from "../../../protocol/claims.ts";
import { mintToken } from "../../../protocol/token.ts";
import { SECRET } from "../../support/secret.ts";
import { Peer, request, type Tokens } from "./rooms.ts";

/** The secret of vitest.config.mts. */
export { SECRET };
export const OTHER_SECRET = "other-secret-other-secret-other-secret-1";

export const nowSeconds = () => Math.floor(Date.now() / 1000);

/**
 * Stops the clock of the Worker and its objects: for them, a slow machine takes no time. `vi.useRealTimers` sets it
 * right again.
 */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
}

let minted = 0;

/** The claims of a token for `room`, valid for an hour. */
export function claimsFor(room: string, claims: Partial<Claims> = {}): Claims {
  const iat = nowSeconds();
  return { room, can: ["subscribe"], jti: `jti-${minted++}`, iat, exp: iat + 3600, ...claims };
}

/** A token for `room`. */
export function tokenFor(room: string, claims: Partial<Claims> = {}, secret = SECRET): Promise<string> {
  return mintToken(claimsFor(room, claims), secret);
}

/**
 * A token that is valid for another four to five seconds: expired, but within the tolerance. On a busy machine, a few
 * requests take a second or two.
 */
export function shortLived(room: string, claims: Partial<Claims> = {}): Promise<string> {
  return tokenFor(room, { iat: nowSeconds() - 60, exp: nowSeconds(), ...claims });
}

/** A handmade JWT: any header, and a signature with any hash; hash null: none. */
export async function handmade(header: object, claims: object, hash: string | null): Promise<string> {
  const encode = (bytes: Uint8Array) =>
    btoa(String.fromCharCode(...bytes))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const text = [header, claims].map((part) => encode(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  if (hash === null) return `${text}.`;
  const raw = new TextEncoder().encode(SECRET);
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash }, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return `${text}.${encode(new Uint8Array(signature))}`;
}

/** A request to a room's API (`path` from the room on) with or without a bearer token. */
export function api(method: string, room: string, path: string, bearer?: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const json = body === undefined ? null : JSON.stringify(body);
  return request(`/api/rooms/${room}${path}`, { method, headers, body: json });
}

/** The JSON of an answer, which must have this status. */
export async function answered<T = Record<string, unknown>>(response: Promise<Response>, status: number): Promise<T> {
  const answer = await response;
  const text = await answer.text();
  expect({ status: answer.status, text }).toMatchObject({ status });
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** `STATUS code` of a refusal, checked to be a valid problem document; for other answers only the status. */
export async function outcome(response: Response | Promise<Response>): Promise<string> {
  const answer = await response;
  if (answer.webSocket) {
    answer.webSocket.accept();
    answer.webSocket.close(1000, "");
    return "101";
  }
  const text = await answer.text();
  if (answer.status < 400) return String(answer.status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const problem = JSON.parse(text);
  expect(Object.keys(problem).sort()).toEqual(["code", "detail", "status", "title", "type"]);
  expect(problem.status).toBe(answer.status);
  return `${answer.status} ${problem.code}`;
}

/** Opens a WebSocket with these headers. */
export function knock(room: string, query: string, headers: Record<string, string> = {}): Promise<Response> {
  const framed = { upgrade: "websocket", "sec-websocket-protocol": "roomcast.v1" };
  return request(`/rooms/${room}/ws?${query}`, { headers: { ...framed, ...headers } });
}

/** The peer of an upgrade, which must succeed. */
export async function admitted(response: Promise<Response>): Promise<Peer> {
  const { webSocket, status } = await response;
  if (!webSocket) throw new Error(`refused: ${status}`);
  return new Peer(webSocket);
}

/** Resolves with the close of the connection. */
export function ended(peer: Peer): Promise<{ code: number; reason: string }> {
  return peer.until("end", ({ closed }) => closed);
}

/** A room with these settings. */
export async function createWith(settings: object): Promise<{ room: string; tokens: Tokens }> {
  return answered(request("/api/rooms", { method: "POST", body: JSON.stringify({ settings }) }), 201);
}

/** The id of a connection, from the room's welcome. */
export function idOf(peer: Peer): Promise<string> {
  return peer.until("welcome", ({ text }) => text[0]?.connection as string | undefined);
}
