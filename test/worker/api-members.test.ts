// Messages: the rights of senders and addressees, and the results.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Room } from "../../worker/room-object.ts";
import { answered, api, createWith, ended, idOf, outcome, SECRET, tokenFor } from "./support/api.ts";
import { createRoom, join, type Peer, publish } from "./support/rooms.ts";

/** The answers to `peer`, once there are `count` of them; returns the last one. */
async function delivery(peer: Peer, count: number) {
  await peer.until(`${count} answers`, () => peer.said("delivery").length === count);
  const { type: _, ...rest } = peer.said("delivery")[count - 1] ?? {};
  return rest;
}

afterEach(() => vi.useRealTimers());

describe("over HTTP", () => {
  const NOWHERE = { connection: "nobody" };

  test("M3 go to a connection, to all of a subject, or to everybody, and the answer says to how many", async () => {
    const { room, tokens } = await createRoom();
    const ann = await tokenFor(room, { sub: "ann" });
    const peers = [
      await join(room, ann),
      await join(room, ann),
      await join(room, tokens.subscribe),
      await publish(room, tokens.publish),
    ];
    const [first = peers[0], ..._] = peers;
    const id = await idOf(first as Peer);
    const post = (body: object, token = tokens.admin) => answered(api("POST", room, "/messages", token, body), 200);
    expect(await post({ to: { connection: id }, body: { n: 1 } })).toEqual({ connections: 1, skipped: 0 });
    expect(await post({ to: { subject: "ann" }, body: [2] })).toEqual({ connections: 2, skipped: 0 });
    expect(await post({ to: "all", body: null })).toEqual({ connections: 4, skipped: 0 });
    const sayer = await tokenFor(room, { can: ["message"], sub: "app" });
    expect(await post({ bytes: "AAEC" }, sayer)).toEqual({ connections: 4, skipped: 0 });
    const nobody = { connection: null, subject: null };
    await Promise.all(peers.map((peer) => peer.until("bytes", () => peer.said("message").some(({ bytes }) => bytes))));
    expect(peers.map((peer) => peer.said("message").map(({ type: _, from: __, ...rest }) => rest))).toEqual([
      [{ body: { n: 1 } }, { body: [2] }, { body: null }, { bytes: "AAEC" }],
      [{ body: [2] }, { body: null }, { bytes: "AAEC" }],
      [{ body: null }, { bytes: "AAEC" }],
      [{ body: null }, { bytes: "AAEC" }],
    ]);
    expect(first?.said("message").map(({ from }) => from)).toEqual([
      nobody,
      nobody,
      nobody,
      { connection: null, subject: "app" },
    ]);
  });

  test("M3 an address that nobody has is an error, an empty room is not", async () => {
    const { room, tokens } = await createRoom();
    const post = (to: unknown) => outcome(api("POST", room, "/messages", tokens.admin, { to, body: 1 }));
    expect(await post(NOWHERE)).toBe("404 unknown_address");
    expect(await post({ subject: "nobody" })).toBe("404 unknown_address");
    expect(await post("all")).toBe("200");
    for (const to of ["some", {}, { connection: "a", subject: "b" }, { connection: "" }, 7])
      expect(await post(to)).toBe("400 invalid_request");
  });

  test("M3 H12 64 KiB and no more, and bytes or JSON, not both", async () => {
    const { room, tokens } = await createRoom();
    const peer = await join(room, tokens.subscribe);
    const post = (body: object) => outcome(api("POST", room, "/messages", tokens.admin, body));
    expect(await post({ bytes: btoa("x".repeat(65_536)) })).toBe("200");
    expect(await post({ body: "x".repeat(65_534) })).toBe("200");
    await peer.until("both", () => peer.said("message").length === 2);
    expect(await post({ body: "x".repeat(65_535) })).toBe("413 body_too_large");
    expect(await post({ bytes: btoa("x".repeat(65_537)) })).toBe("413 body_too_large");
    expect(await post({ body: "x".repeat(200_000) })).toBe("413 body_too_large");
    for (const body of [{}, { body: 1, bytes: "AAEC" }, { bytes: "no base64!" }, { bytes: 7 }]) {
      expect(await post(body)).toBe("400 invalid_request");
    }
  });

  test("M5 plain connections are counted as skipped, and stay plain", async () => {
    const { room, tokens } = await createRoom();
    const plain = await join(room, tokens.subscribe, "", true);
    const framed = await join(room, tokens.subscribe);
    const answer = await answered(api("POST", room, "/messages", tokens.admin, { body: "hello" }), 200);
    expect(answer).toEqual({ connections: 1, skipped: 1 });
    await framed.until("message", (peer) => peer.said("message")[0]);
    expect([plain.text, plain.binary]).toEqual([[], []]);
  });

  test("M6 above the room's rate they are refused for a while", async () => {
    const { room, tokens, stub } = await createRoom();
    for (let count = 0; count < 20; count++) await join(room, tokens.subscribe, "", true);
    const who = { subject: undefined, jti: "x", issuedAt: 0, expiresAt: null };
    // The cost of a room of thousands, in one message: three of them make a debt.
    const content = JSON.stringify({ body: "x".repeat(1_000_000) });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await runInDurableObject(stub, (instance: Room) => {
      for (let count = 0; count < 4; count++) instance.deliver(who, "all", content);
    });
    const response = await api("POST", room, "/messages", tokens.admin, { body: 1 });
    expect(response.headers.get("retry-after")).toBe("10");
    expect(await outcome(response)).toBe("429 too_many_requests");
  });
});

describe("between members", () => {
  const say = (peer: Peer, body: unknown, to?: unknown, id?: number) =>
    peer.send({ type: "message", body, ...(to !== undefined && { to }), ...(id !== undefined && { id }) });

  test("M1 go where they are addressed, and the sender hears how many got them", async () => {
    const { room } = await createWith({ memberMessages: true });
    const member = (sub: string) => tokenFor(room, { can: ["subscribe", "message"], sub });
    const [ann, bob, bob2] = [
      await join(room, await member("ann")),
      await join(room, await member("bob")),
      await join(room, await member("bob")),
    ];
    const annId = await idOf(ann);
    say(ann, "hello", undefined, 7);
    expect(await delivery(ann, 1)).toEqual({ id: 7, connections: 2, skipped: 0, error: null });
    say(ann, { sdp: "offer" }, { subject: "bob" });
    expect(await delivery(ann, 2)).toEqual({ id: null, connections: 2, skipped: 0, error: null });
    await bob2.until("two", (peer) => peer.said("message").length === 2);
    say(bob, "back", { connection: annId });
    const got = await ann.until("answer", (peer) => peer.said("message")[0]);
    expect(got).toMatchObject({ from: { connection: await idOf(bob), subject: "bob" }, body: "back" });
    say(ann, "?", { subject: "carol" });
    expect(await delivery(ann, 3)).toMatchObject({ connections: 0, error: "unknown_address" });
    await bob.until("two", (peer) => peer.said("message").length === 2);
    expect(bob.said("message").map(({ body }) => body)).toEqual(["hello", { sdp: "offer" }]);
    expect([ann, bob, bob2].map(({ closed }) => closed)).toEqual([undefined, undefined, undefined]);
  });

  test("M1 need the room's leave, the right, and few bytes; also after sleep", async () => {
    const off = await createRoom();
    const able = await join(off.room, await tokenFor(off.room, { can: ["subscribe", "message"] }));
    say(able, "hello");
    expect(await delivery(able, 1)).toMatchObject({ error: "not_enabled" });
    const { room, tokens } = await createWith({ memberMessages: true });
    const [mute, loud] = [
      await join(room, tokens.subscribe),
      await join(room, await tokenFor(room, { can: ["subscribe", "message"] })),
    ];
    await idOf(loud);
    await evictDurableObject(env.ROOM.getByName(room));
    say(mute, "hello");
    expect(await delivery(mute, 1)).toMatchObject({ error: "no_right" });
    say(loud, "x".repeat(4095));
    expect(await delivery(loud, 1)).toMatchObject({ error: "too_large" });
    say(loud, "x".repeat(4094));
    expect(await delivery(loud, 2)).toMatchObject({ connections: 1, error: null });
    expect(await mute.until("message", (peer) => peer.said("message")[0])).toMatchObject({ body: "x".repeat(4094) });
  });

  test("M6 too many are refused, and go nowhere", async () => {
    const { room } = await createWith({ memberMessages: true });
    const token = await tokenFor(room, { can: ["subscribe", "message"] });
    const [talker, other] = [await join(room, token), await join(room, token)];
    for (let count = 0; count < 200; count++) say(talker, count);
    const answers = () => talker.said("delivery");
    await talker.until("all answers", () => answers().length === 200);
    const delivered = answers().filter(({ error }) => error === null).length;
    expect(answers().filter(({ error }) => error === "too_fast").length).toBe(200 - delivered);
    expect(delivered).toBeLessThan(150);
    // A last message to both: what was to arrive before it has arrived.
    await answered(api("POST", room, "/messages", SECRET, { body: "last" }), 200);
    await other.until("the last", () => other.said("message").at(-1)?.body === "last");
    expect(other.said("message").length).toBe(delivered + 1);
    expect([talker.closed, other.closed]).toEqual([undefined, undefined]);
  });

  test("C1 M1 a message with a wrong field is a violation like any other", async () => {
    const { room } = await createWith({ memberMessages: true });
    for (const wrong of [{ to: "some" }, { id: -1 }, { body: undefined }]) {
      const peer = await join(room, await tokenFor(room, { can: ["subscribe", "message"] }));
      peer.send({ type: "message", body: 1, ...wrong });
      expect(await ended(peer)).toMatchObject({ code: 4501 });
    }
  });
});
