// Chains of tokens: a minted token is revoked with its origin, and a connection continues with another token.
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MAX_TOKEN_ANCESTORS } from "../../protocol/limits.ts";
import { verifyToken } from "../../protocol/token.ts";
import {
  admitted,
  answered,
  api,
  createWith,
  ended,
  idOf,
  knock,
  nowSeconds,
  outcome,
  SECRET,
  shortLived,
  tokenFor,
} from "./support/api.ts";
import { createRoom, frame, join, KEY, type Peer, publish } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

function advance(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
}

interface Minted {
  readonly token: string;
  readonly jti: string;
  readonly expiresAt: number;
}

const mint = (room: string, by: string, body: object = {}) =>
  answered<Minted>(api("POST", room, "/tokens", by, { can: ["subscribe"], ttlSeconds: 3600, ...body }), 201);

describe("minted tokens", () => {
  test("H20 does not outlive it, and says until when", async () => {
    const { room } = await createRoom();
    const exp = nowSeconds() + 300;
    const parent = await tokenFor(room, { can: ["admin"], exp });
    const long = await mint(room, parent, { ttlSeconds: 90 * 24 * 3600 });
    expect(long.expiresAt).toBe(exp);
    expect((await verifyToken(long.token, [SECRET], Date.now())).exp).toBe(exp);
    expect((await mint(room, parent, { ttlSeconds: 60 })).expiresAt).toBeLessThanOrEqual(nowSeconds() + 60);
    const grandchild = await mint(room, (await mint(room, parent, { can: ["admin"] })).token);
    expect(grandchild.expiresAt).toBe(exp);
    const free = await mint(room, SECRET, { ttlSeconds: 90 * 24 * 3600 });
    expect(free.expiresAt).toBeGreaterThan(nowSeconds() + 89 * 24 * 3600);
    expect((await verifyToken(free.token, [SECRET], Date.now())).via).toBeUndefined();
  });

  const REVOCATIONS = [
    ["jti", { jti: "the-parent" }],
    ["subject", { subject: "ann" }],
    ["time", { issuedBefore: nowSeconds() - 100 }],
  ] as const;
  test.each(REVOCATIONS)(
    "H20 H5 falls with it by %s: tokens, tickets and connections, of children and grandchildren, after sleep too",
    async (_, revocation) => {
      const { room, tokens, stub } = await createRoom();
      const claims = { can: ["admin" as const], jti: "the-parent", sub: "ann", iat: nowSeconds() - 200 };
      const parent = await tokenFor(room, claims);
      const child = await mint(room, parent, { can: ["admin"], subject: "bob" });
      const grandchild = await mint(room, child.token, { can: ["subscribe", "publish"] });
      const { ticket } = await answered<{ ticket: string }>(api("POST", room, "/tickets", grandchild.token, {}), 201);
      const other = await answered<{ ticket: string }>(api("POST", room, "/tickets", grandchild.token, {}), 201);
      const falling = [
        await join(room, child.token),
        await join(room, grandchild.token),
        await publish(room, grandchild.token),
        await admitted(knock(room, `ticket=${other.ticket}`)),
      ];
      const stays = await join(room, (await mint(room, tokens.admin)).token);
      await Promise.all([...falling, stays].map(idOf));
      await evictDurableObject(stub);
      expect(await answered(api("POST", room, "/revocations", tokens.admin, revocation), 201)).toEqual({ closed: 4 });
      for (const peer of falling) expect(await ended(peer)).toMatchObject({ code: 4507 });
      for (const token of [parent, child.token, grandchild.token])
        expect(await outcome(api("GET", room, "", token))).toBe("401 token_revoked");
      expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 unauthorized");
      expect(stays.closed).toBeUndefined();
      await evictDurableObject(stub);
      expect(await outcome(api("GET", room, "", grandchild.token))).toBe("401 token_revoked");
    },
  );

  test("H20 a chain has an end, and a token a length", async () => {
    const { room, tokens } = await createRoom();
    let admin = tokens.admin;
    for (let count = 0; count < MAX_TOKEN_ANCESTORS; count++)
      admin = (await mint(room, admin, { can: ["admin"] })).token;
    expect(await outcome(api("GET", room, "", admin))).toBe("200");
    const more = { can: ["admin"], ttlSeconds: 60 };
    expect(await outcome(api("POST", room, "/tokens", admin, more))).toBe("403 forbidden");
    const subject = "\u{1F600}".repeat(64);
    let last = "";
    for (let count = 0, by = tokens.admin; count < MAX_TOKEN_ANCESTORS && last === ""; count++) {
      const tracks = Array.from({ length: 16 }, (_, index) => `${"t".repeat(60)}${index}`);
      const response = await api("POST", room, "/tokens", by, { can: ["admin"], ttlSeconds: 60, subject, tracks });
      if (response.status === 201) by = ((await response.json()) as Minted).token;
      else last = await outcome(response);
    }
    expect(last).toBe("400 invalid_request");
  });
});

describe("POST /api/rooms/:room/connections/:id/token", () => {
  const renew = async (room: string, peer: Peer | string, token?: string, body?: unknown) =>
    outcome(api("POST", room, `/connections/${typeof peer === "string" ? peer : await idOf(peer)}/token`, token, body));

  test("H19 carries a publisher and its subscribers over the end of their tokens, without a frame lost", async () => {
    const { room } = await createRoom();
    const publisher = await publish(room, await shortLived(room, { can: ["publish"], sub: "cam" }));
    const renewed = await join(room, await shortLived(room, { sub: "ann" }));
    const left = await join(room, await shortLived(room, { sub: "bob" }));
    let sequence = 0;
    const stream = setInterval(() => publisher.frames(frame(sequence++, 100, KEY)), 20);
    expect(await renew(room, publisher, await tokenFor(room, { can: ["publish"], sub: "cam" }))).toBe("204");
    expect(await renew(room, renewed, await tokenFor(room, { sub: "ann" }))).toBe("204");
    expect(await ended(left)).toMatchObject({ code: 4002 });
    const before = renewed.binary.length;
    await renewed.until("more frames", ({ binary }) => binary.length > before + 20);
    clearInterval(stream);
    expect([publisher.closed, renewed.closed]).toEqual([undefined, undefined]);
    expect(renewed.said("gap")).toEqual([]);
    for (const peer of [publisher, renewed]) peer.close();
  });

  test("H19 H6 the new token's end counts from then on, later or earlier, and after sleep", async () => {
    const { room, stub } = await createRoom();
    const at = (seconds: number) => tokenFor(room, { exp: nowSeconds() + seconds, can: ["subscribe"] });
    const [later, earlier, goes] = [
      await join(room, await at(60)),
      await join(room, await at(3600)),
      await join(room, await at(60)),
    ];
    expect(await renew(room, later, await at(3600))).toBe("204");
    expect(await renew(room, earlier, await at(60))).toBe("204");
    await idOf(goes);
    await evictDurableObject(stub);
    advance(80);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    for (const peer of [earlier, goes]) expect(await ended(peer)).toMatchObject({ code: 4002 });
    expect(later.closed).toBeUndefined();
    advance(3600);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await ended(later)).toMatchObject({ code: 4002 });
  });

  test("H19 H5 its revocation closes the connection, that of the old one no longer, and after sleep", async () => {
    for (const sleeps of [false, true]) {
      const { room, tokens, stub } = await createRoom();
      const revoke = (jti: string) => answered(api("POST", room, "/revocations", tokens.admin, { jti }), 201);
      const [watching, sending] = [
        await join(room, await tokenFor(room, { jti: "old" })),
        await publish(room, await tokenFor(room, { jti: "old", can: ["publish"] })),
      ];
      for (const peer of [watching, sending]) {
        const can = ["subscribe" as const, "publish" as const];
        expect(await renew(room, peer, await tokenFor(room, { jti: "new", can }))).toBe("204");
      }
      if (sleeps) await evictDurableObject(stub);
      expect(await revoke("old")).toEqual({ closed: 0 });
      expect([watching.closed, sending.closed]).toEqual([undefined, undefined]);
      expect(await revoke("new")).toEqual({ closed: 2 });
      for (const peer of [watching, sending]) expect(await ended(peer)).toMatchObject({ code: 4507 });
    }
  });

  test("H19 only with the rights that the connection uses, its subject, and a valid token; otherwise nothing changes", async () => {
    const { room, tokens } = await createRoom();
    const other = await createRoom();
    const [ann, cam] = [
      await join(
        room,
        await tokenFor(room, { sub: "ann", can: ["subscribe", "reliable"] }),
        "tracks=a,b&delivery=reliable",
      ),
      await publish(room, await tokenFor(room, { sub: "cam", can: ["publish"], tracks: ["a"] }), "track=a"),
    ];
    const reliable = ["subscribe", "reliable"] as const;
    await answered(api("POST", room, "/revocations", tokens.admin, { jti: "gone" }), 201);
    const cases: [Peer | string, string | undefined, string][] = [
      [ann, undefined, "401 unauthorized"],
      [ann, "nonsense", "401 unauthorized"],
      [ann, await tokenFor(other.room, { sub: "ann", can: ["admin"] }), "401 unauthorized"],
      [ann, await tokenFor(room, { sub: "ann", can: ["admin"], exp: nowSeconds() - 10 }), "401 unauthorized"],
      [ann, await tokenFor(room, { sub: "ann", can: ["admin"], jti: "gone" }), "401 token_revoked"],
      [ann, await tokenFor(room, { sub: "bob", can: ["admin"] }), "403 forbidden"],
      [ann, tokens.admin, "403 forbidden"],
      [ann, SECRET, "403 forbidden"],
      [ann, await tokenFor(room, { sub: "ann", can: ["publish"] }), "403 forbidden"],
      [ann, await tokenFor(room, { sub: "ann" }), "403 forbidden"],
      [ann, await tokenFor(room, { sub: "ann", can: [...reliable], tracks: ["a"] }), "403 forbidden"],
      [ann, await tokenFor(room, { sub: "ann", can: [...reliable], tracks: ["a", "b"] }), "204"],
      [cam, await tokenFor(room, { sub: "cam", can: ["subscribe"] }), "403 forbidden"],
      [cam, await tokenFor(room, { sub: "cam", can: ["publish"], tracks: ["b"] }), "403 forbidden"],
      [cam, await tokenFor(room, { sub: "cam", can: ["publish"] }), "204"],
      ["nobody", await tokenFor(room, { sub: "ann" }), "404 connection_not_found"],
    ];
    for (const [index, [peer, token, is]] of cases.entries()) {
      expect({ index, is: await renew(room, peer, token) }).toEqual({ index, is });
    }
    expect(await renew(room, ann, await tokenFor(room, { sub: "ann", can: ["admin"] }), { token: "x" })).toBe(
      "400 invalid_request",
    );
    expect([ann.closed, cam.closed]).toEqual([undefined, undefined]);
    await answered(api("DELETE", room, "", tokens.admin), 204);
    expect(await renew(room, ann, await tokenFor(room, { sub: "ann" }))).toBe("410 room_closed");
  });

  test("H19 nobody touches a stranger's connection whose id the room told: without subjects it is refused there", async () => {
    for (const settings of [{}, { presence: true }, { memberMessages: true }]) {
      const { room } = await createWith(settings);
      const victim = await join(room, await tokenFor(room));
      // An id that was once revealed stays known.
      const [off, stub] = [{ presence: false, memberMessages: false }, env.ROOM.getByName(room)];
      await answered(api("PATCH", room, "", SECRET, { settings: off }), 200);
      await idOf(victim);
      await evictDurableObject(stub);
      const isTold = Object.keys(settings).length > 0;
      expect(await renew(room, victim, await tokenFor(room, { jti: "mine" }))).toBe(isTold ? "403 forbidden" : "204");
      expect(await renew(room, victim, await tokenFor(room, { sub: "mallory" }))).toBe("403 forbidden");
      const named = await join(room, await tokenFor(room, { sub: "ann" }));
      expect(await renew(room, named, await tokenFor(room))).toBe("403 forbidden");
      expect(await renew(room, named, await tokenFor(room, { sub: "ann" }))).toBe("204");
    }
  });

  test("H19 H4 H10 a connection that used a ticket continues, one without a credential cannot", async () => {
    const { room, stub } = await createRoom();
    await answered(api("PATCH", room, "", SECRET, { settings: { public: true } }), 200);
    const { ticket } = await answered(api("POST", room, "/tickets", await shortLived(room, { sub: "ann" }), {}), 201);
    const peer = await admitted(knock(room, `ticket=${ticket}`));
    expect(await renew(room, peer, await tokenFor(room, { sub: "ann" }))).toBe("204");
    const anyone = await admitted(knock(room, ""));
    expect(await renew(room, anyone, await tokenFor(room))).toBe("403 forbidden");
    // Asleep in between; otherwise they would be closed as silent, because they do not ping.
    await evictDurableObject(stub);
    advance(60);
    expect(await answered(api("GET", room, "", SECRET), 200)).toMatchObject({ subscribers: 2 });
    expect([peer.closed, anyone.closed]).toEqual([undefined, undefined]);
  });

  test("H19 M1 the new token says whether the connection may send messages", async () => {
    const { room } = await createWith({ memberMessages: true });
    const speak = async (peer: Peer, id: number) => {
      peer.send({ type: "message", id, to: "all", body: "hello" });
      return peer.until("delivery", () => peer.said("delivery").find((message) => message.id === id));
    };
    const ann = await join(room, await tokenFor(room, { sub: "ann" }));
    expect(await speak(ann, 1)).toMatchObject({ error: "no_right" });
    expect(await renew(room, ann, await tokenFor(room, { sub: "ann", can: ["subscribe", "message"] }))).toBe("204");
    expect((await speak(ann, 2)).error).not.toBe("no_right");
    await evictDurableObject(env.ROOM.getByName(room));
    expect((await speak(ann, 3)).error).not.toBe("no_right");
    expect(await renew(room, ann, await tokenFor(room, { sub: "ann" }))).toBe("204");
    expect(await speak(ann, 4)).toMatchObject({ error: "no_right" });
  });
});
