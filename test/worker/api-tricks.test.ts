// Tricks with paths, headers and queries: nothing in a stranger's request grants access.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answered, api, knock, outcome, tokenFor } from "./support/api.ts";
import { createRoom, frame, join, KEY, type Peer, publish, request, type TestPublisher } from "./support/rooms.ts";

/** The same requests each time: a test that fails is about the change. */
const SEED = 20_261_126;

let room: Awaited<ReturnType<typeof createRoom>>;
let publisher: TestPublisher;
let subscriber: Peer;

beforeAll(async () => {
  room = await createRoom();
  publisher = await publish(room.room, room.tokens.publish);
  subscriber = await join(room.room, room.tokens.subscribe);
});

/** After all of this, the room still serves. */
afterAll(async () => {
  publisher.frames(frame(0, 100, KEY));
  await subscriber.until("the next frame", ({ binary }) => binary[0]);
  for (const peer of [publisher, subscriber]) peer.close();
});

describe("tricks with paths and headers", () => {
  test("a room's id is one text, however it is written, and no other", async () => {
    const { room: id, tokens } = room;
    const ask = (path: string) => outcome(request(path, { headers: { authorization: `Bearer ${tokens.admin}` } }));
    const encoded = `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`;
    expect(await ask(`/api/rooms/${encoded}`)).toBe("200");
    for (const path of [
      `/api/rooms/${id}%00`,
      `/api/rooms/${id}%2f..`,
      `/api/rooms/..%2f${id}`,
      `/api/rooms/%2e%2e`,
      `/api/rooms/${id}%20`,
      `/api/rooms/%ff%fe`,
      `/api/rooms/${"a".repeat(65)}`,
      "/api/rooms/*",
      `/api/rooms/${id}.json`,
      `/api/rooms//${id}`,
      `/API/rooms/${id}`,
      `/api/rooms/${id}/connections/..%2f..%2ftokens/x`,
      `/rooms/${id}/../../api/nothing`,
    ]) {
      expect({ path, is: await ask(path) }).toEqual({ path, is: "404 not_found" });
    }
    expect(await ask(`/api/rooms/${id.toUpperCase()}x`)).toBe("401 unauthorized");
  });

  test("internal headers from a client are ignored", async () => {
    const { room: id } = room;
    const forgedKnock = encodeURIComponent(
      JSON.stringify({
        asked: { role: "publish", label: null, track: "main", resume: null, unacknowledged: 0, takeover: true },
        credential: {
          by: "token",
          grant: { who: { jti: "x", issuedAt: 0, expiresAt: null }, can: ["admin"], tracks: null },
        },
      }),
    );
    const headers = { "x-roomcast-knock": forgedKnock, "x-roomcast-join": forgedKnock };
    expect(await outcome(knock(id, "", headers))).toBe("401 unauthorized");
    const authorization = `Bearer ${room.tokens.subscribe}`;
    const peer = await knock(id, "", { ...headers, authorization });
    expect(peer.status).toBe(101);
    peer.webSocket?.accept();
    peer.webSocket?.close(1000, "");
    for (const more of [
      { "x-http-method-override": "DELETE" },
      { "x-forwarded-for": "127.0.0.1", "x-original-url": "/" },
    ]) {
      expect(await outcome(request(`/api/rooms/${id}`, { headers: { authorization, ...more } }))).toBe("200");
    }
  });

  test("queries out of line are refused", async () => {
    const { room: id, tokens } = room;
    for (const query of [
      "role=admin",
      "role=publish&role=subscribe&x",
      "start=never",
      "start=e.99999999999999999",
      "tracks=a,,b",
      "track=..%2f",
      "delivery=all",
      "takeover=2",
      "role=publish&resume=x",
      "role=publish&unacknowledged=-1",
      `tracks=${"a,".repeat(2000)}a`,
      "__proto__=1&x=1",
      "connection=mine",
    ]) {
      const is = await outcome(knock(id, query, { authorization: `Bearer ${tokens.admin}` }));
      expect({ query, is }).toEqual({ query, is: "400 invalid_request" });
    }
  });

  test("W3 a parameter whose name begins with _ is the client's own, such as one that keeps caches out", async () => {
    const { room: id, tokens } = room;
    const headers = { authorization: `Bearer ${tokens.subscribe}` };
    expect(await outcome(knock(id, "_=1732641906&_role=publish", headers))).toBe("101");
    expect(await outcome(knock(id, "cachebuster=1", headers))).toBe("400 invalid_request");
  });

  test("W1 H2 10,000 fuzzed upgrade requests: each is refused or admitted by the rules, and none gains access", async () => {
    const { room: id, tokens } = room;
    const random = mulberry32(SEED);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const noise = () =>
      String.fromCharCode(...Array.from({ length: Math.floor(random() * 40) }, () => 33 + Math.floor(random() * 94)));
    const foreign = await tokenFor("foreign", { can: ["admin"] });
    const bad = [
      undefined,
      "",
      noise(),
      foreign,
      `${tokens.admin}x`,
      tokens.admin.slice(1),
      tokens.admin.split(".").slice(0, 2).join("."),
    ];
    const counts = new Map<string, number>();
    for (let count = 0; count < 10_000; count++) {
      if (count % 200 === 0) for (const peer of [publisher, subscriber]) peer.ping();
      const credential = pick(bad);
      const headers: Record<string, string> = { upgrade: pick(["websocket", "WebSocket", "h2c"]) };
      if (random() < 0.5 && credential !== undefined)
        headers.authorization = `${pick(["Bearer", "bearer", "Basic", noise().replace(/[^!-~]/g, "") || "x"])} ${credential}`;
      else
        headers["sec-websocket-protocol"] = ["roomcast.v1", credential && `token.${credential}`, noise()]
          .filter((text) => text && random() < 0.7)
          .join(", ");
      const query = Array.from(
        { length: Math.floor(random() * 4) },
        () =>
          `${encodeURIComponent(pick(["role", "track", "ticket", "start", noise()]))}=${encodeURIComponent(pick(["publish", "main", "group", noise()]))}`,
      ).join("&");
      const path = `/rooms/${pick([id, id, "never", `~${encodeURIComponent(noise())}`])}/ws?${query}`;
      const response = await request(path, { headers });
      const { code } = (await response.json()) as { code: string };
      const key = `${response.status} ${code}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (![400, 401, 404, 426].includes(response.status)) throw new Error(`${path} -> ${key}`);
    }
    expect([...counts.keys()].toSorted()).toEqual([
      "400 invalid_request",
      "401 unauthorized",
      "404 not_found",
      "426 upgrade_required",
    ]);
    expect(subscriber.binary).toEqual([]);
    const { connections } = await answered<{ connections: unknown[] }>(
      api("GET", id, "/connections", tokens.admin),
      200,
    );
    expect(connections).toHaveLength(2);
  }, 180_000);
});

/** A small seeded generator. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
