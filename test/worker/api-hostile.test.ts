// Hostile peers: for any data, they get the right refusal, the room continues to serve, and its memory stays bounded.
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeMessage, Flag, HEADER_BYTES } from "../../protocol/frame.ts";
import { MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { answered, api, ended } from "./support/api.ts";
import { createRoom, frame, join, KEY, type Peer, publish, type TestPublisher } from "./support/rooms.ts";

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

/** The room still accepts frames and delivers them to well-behaved clients. */
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

/** The track number of hostile publishers. */
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
  ["a type that is not a text", '{"type":{"$gt":""}}', 4501],
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

  test("of texts end with the connection or are served, and the room continues", async () => {
    const hostile = await publish(room.room, room.tokens.publish, "track=other");
    for (let count = 0; count < 3000; count++) hostile.send({ type: "sync", sequence: 0 });
    // The first check is quick, and is done for each message.
    const isAnswered = (peer: Peer) => peer.text.length >= 3000 && peer.said("ack").length === 3000;
    await hostile.until("an end, or every answer", (peer) => peer.closed ?? isAnswered(peer));
    if (hostile.closed) expect(hostile.closed.code).toBe(4510);
  });

  test("of joins and leaves leave nothing behind", async () => {
    const start = Date.now();
    for (let round = 0; round < 10; round++) {
      const crowd = await Promise.all(Array.from({ length: 30 }, () => join(room.room, room.tokens.subscribe)));
      for (const peer of crowd) peer.close();
    }
    await subscriber.until("nobody else", (peer) => peer.said("occupancy").at(-1)?.subscribers === 1);
    const rows = await runInDurableObject(room.stub, (_, { storage }) => [...storage.kv.list()].map(([key]) => key));
    // This many clients at once may open a relay, which closes again by itself.
    expect(rows.filter((key) => !key.startsWith("relay:"))).toEqual(["room"]);
    expect(subscriber.said("occupancy").length).toBeLessThan(5 + (Date.now() - start) / 1000);
  });
});
