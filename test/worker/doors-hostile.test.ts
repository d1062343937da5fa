// Hostile peers: whatever they send, they get the right refusal, the room goes on serving, and its memory stays bounded.
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeMessage, Flag, HEADER_BYTES } from "../../protocol/frame.ts";
import { MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { answered, api, ended, knock, outcome, tokenFor } from "./support/doors.ts";
import { createRoom, frame, join, KEY, type Peer, publish, request, type TestPublisher } from "./support/rooms.ts";

let room: Awaited<ReturnType<typeof createRoom>>;
let publisher: TestPublisher;
let subscriber: Peer;
let sequence: number;

beforeEach(async () => {
  room = await createRoom();
  publisher = await publish(room.room, room.tokens.publish);
  subscriber = await join(room.room, room.tokens.subscribe);
  sequence = 0;
});

/** The room still takes frames and delivers them to those who did nothing wrong. */
async function expectServing(): Promise<void> {
  const before = subscriber.binary.length;
  publisher.frames(frame(sequence++, 100, KEY));
  await subscriber.until("the next frame", ({ binary }) => binary.length > before);
  expect([publisher.closed, subscriber.closed]).toEqual([undefined, undefined]);
}

afterEach(async () => {
  await expectServing();
  for (const peer of [publisher, subscriber]) peer.close();
});

/** The number of the track that hostile publishers have. */
const OTHER = 1;

/** A message of one frame, with bytes of its header overwritten. */
function forged(payload: number, changes: Record<number, number> = {}): Uint8Array {
  const message = encodeMessage([frame(0, payload, KEY, OTHER)]);
  for (const [offset, byte] of Object.entries(changes)) message[Number(offset)] = byte;
  return message;
}

const FRAMES: readonly (readonly [string, Uint8Array, number])[] = [
  ["nothing", new Uint8Array(0), 4500],
  ["half a header", forged(0).subarray(0, HEADER_BYTES / 2), 4500],
  ["less than its header promises", forged(100).subarray(0, 60), 4500],
  ["more than its header promises", new Uint8Array([...forged(10), 1, 2, 3]), 4500],
  ["a length of 4 GiB", forged(10, { 4: 255, 5: 255, 6: 255, 7: 255 }), 4502],
  ["a length above the limit", forged(10, { 4: 0, 5: 64, 6: 0, 7: 1 }), 4502],
  ["an unknown type", forged(10, { 0: 9 }), 4500],
  ["unknown flags", forged(10, { 1: 0x80 }), 4500],
  ["a track that is not its own", forged(10, { 2: 3 }), 4500],
  ["a track above 15", forged(10, { 2: 200 }), 4500],
  ["a reserved byte", forged(10, { 3: 1 }), 4500],
  [
    "a sequence of 2^64-1",
    forged(10, Object.fromEntries(Array.from({ length: 8 }, (_, index) => [8 + index, 255]))),
    4500,
  ],
  ["a sequence from the future", forged(10, { 14: 9 }), 4504],
  ["an init as large as a payload", forged(MAX_PAYLOAD_BYTES, { 0: 2, 1: Flag.init }), 4502],
  ["a message above the limit", new Uint8Array(MAX_MESSAGE_BYTES + 1), 4502],
  [
    "10,000 frames in one message",
    encodeMessage(Array.from({ length: 10_000 }, (_, index) => frame(index, 0, 0, OTHER))),
    4502,
  ],
];

describe("a publisher that sends", () => {
  test.each(FRAMES)("W6 F1 %s is closed, and nothing of it is kept", async (_, bytes, code) => {
    const hostile = await publish(room.room, room.tokens.publish, "track=other");
    hostile.send(bytes);
    expect(await ended(hostile)).toMatchObject({ code });
    expect(subscriber.binary).toEqual([]);
    const { counters } = await answered<{ counters: { framesReceived: number } }>(
      api("GET", room.room, "", room.tokens.admin),
      200,
    );
    expect(counters.framesReceived).toBe(0);
  });

  test("F1 truncated at every byte, it is closed every time", async () => {
    const whole = forged(8);
    for (let cut = 1; cut < whole.byteLength; cut += 3) {
      const hostile = await publish(room.room, room.tokens.publish, "track=other");
      hostile.send(whole.subarray(0, cut));
      expect(await ended(hostile)).toMatchObject({ code: 4500 });
    }
  });

  test("a flood of tiny frames, against the window, costs bounded memory", async () => {
    await answered(api("PATCH", room.room, "", room.tokens.admin, { settings: { historyBytes: 1024 * 1024 } }), 200);
    const hostile = await publish(room.room, room.tokens.publish, "track=other");
    for (let message = 0; message < 100; message++) {
      hostile.send(
        encodeMessage(Array.from({ length: 1000 }, (_, index) => frame(message * 1000 + index, 1, 0, OTHER))),
      );
    }
    await hostile.acknowledged(100_000);
    const { tracks } = await answered<{ tracks: { historyBytes: number }[] }>(
      api("GET", room.room, "", room.tokens.admin),
      200,
    );
    expect(tracks.reduce((sum, track) => sum + track.historyBytes, 0)).toBeLessThan(1.3 * 1024 * 1024);
  });
});

const TEXTS: readonly (readonly [string, string, number])[] = [
  ["no JSON", "hello", 4501],
  ["a number", "7", 4501],
  ["null", "null", 4501],
  ["no type", "{}", 4501],
  ["an unknown type", '{"type":"become-admin"}', 4501],
  ["a type that is no text", '{"type":{"$gt":""}}', 4501],
  ["the room's own words", '{"type":"ack","sequence":1,"window":9}', 4501],
  ["__proto__", '{"__proto__":{"type":"sync"},"sequence":1}', 4501],
  ["what only publishers say", '{"type":"sync","sequence":0}', 4503],
  ["a credit that it does not have", '{"type":"credit","bytes":1000}', 4503],
  ["a credit of more than all", '{"type":"credit","bytes":1e400}', 4501],
  ["deep nesting", `${"[".repeat(4000)}${"]".repeat(4000)}`, 4501],
  ["a long text", `{"type":"sync","sequence":1,"x":"${"x".repeat(9000)}"}`, 4502],
];

describe("a subscriber that says", () => {
  test.each(TEXTS)("W6 C1 %s is closed", async (_, text, code) => {
    const hostile = await join(room.room, room.tokens.subscribe);
    hostile.send(text);
    expect(await ended(hostile)).toMatchObject({ code });
  });

  test("W7 frames is closed, and nobody gets them", async () => {
    for (const plain of [false, true]) {
      const hostile = await join(room.room, room.tokens.subscribe, "", plain);
      hostile.send(forged(10));
      expect(await ended(hostile)).toMatchObject({ code: 4503 });
    }
    expect(subscriber.binary).toEqual([]);
  });
});

describe("floods", () => {
  test("of pings are answered and wake nothing", async () => {
    const hostile = await join(room.room, room.tokens.subscribe);
    for (let count = 0; count < 2000; count++) hostile.send("ping");
    await hostile.until("every pong", ({ pongs }) => pongs === 2000);
  });

  test("of texts end with the connection or are served, and the room goes on", async () => {
    const hostile = await publish(room.room, room.tokens.publish, "track=other");
    for (let count = 0; count < 3000; count++) hostile.send({ type: "sync", sequence: 0 });
    await hostile.until("an end, or every answer", (peer) => peer.closed ?? peer.said("ack").length === 3000);
    if (hostile.closed) expect(hostile.closed.code).toBe(4510);
  });

  test("of joins and leaves leave nothing behind", async () => {
    for (let round = 0; round < 10; round++) {
      const crowd = await Promise.all(Array.from({ length: 30 }, () => join(room.room, room.tokens.subscribe)));
      for (const peer of crowd) peer.close();
    }
    await subscriber.until("nobody else", (peer) => peer.said("occupancy").at(-1)?.subscribers === 1);
    const rows = await runInDurableObject(room.stub, (_, { storage }) => [...storage.kv.list()].length);
    expect(rows).toBe(1);
    expect(subscriber.said("occupancy").length).toBeLessThan(30);
  });
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

  test("headers of ours that a client sends mean nothing", async () => {
    const { room: id } = room;
    const forgedKnock = encodeURIComponent(
      JSON.stringify({
        asked: { role: "publish", label: null, track: "main", resume: null, isSettled: true, takeover: true },
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

  test("W1 H2 10,000 fuzzed upgrade requests: each is refused or let in by the book, and none opens a door", async () => {
    const { room: id, tokens } = room;
    const seed = Number(Math.floor(Math.random() * 2 ** 31));
    const random = mulberry32(seed);
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
      const response = await fuzzed(path, headers);
      const { code } = (await response.json()) as { code: string };
      const key = `${response.status} ${code}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (![400, 401, 404, 426].includes(response.status)) throw new Error(`seed ${seed}: ${path} -> ${key}`);
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
  }, 60_000);
});

/** Header values that the platform itself refuses never reach the Worker. */
function fuzzed(path: string, headers: Record<string, string>): Promise<Response> {
  return request(path, { headers });
}

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
