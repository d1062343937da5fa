// The end of access: expiry, revocation, used tickets. With live connections, and after sleep.
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Publisher } from "../../client/publisher.ts";
import { Subscriber } from "../../client/subscriber.ts";
import { MAX_TICKETS_PER_TOKEN, MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import type { Room } from "../../worker/room-object.ts";
import {
  admitted,
  answered,
  api,
  ended,
  knock,
  nowSeconds,
  outcome,
  SECRET,
  shortLived,
  tokenFor,
} from "./support/api.ts";
import { environment, URL_BASE } from "./support/dial.ts";
import { createRoom, frame, join, KEY, publish } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

/** Moves the clock of the Worker and its objects. */
function advance(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
}

describe("expiry", () => {
  test("H6 cuts exactly that connection in the middle of a stream, by itself", async () => {
    const { room, tokens } = await createRoom();
    const publisher = await publish(room, tokens.publish);
    const stays = await join(room, tokens.subscribe);
    const goes = await join(room, await shortLived(room, { can: ["subscribe"] }));
    let sequence = 0;
    const stream = setInterval(() => publisher.frames(frame(sequence++, 100, KEY)), 20);
    expect(await ended(goes)).toEqual({ code: 4002, reason: "token_expired" });
    const before = stays.binary.length;
    await stays.until("more frames", (peer) => peer.binary.length > before + 5);
    clearInterval(stream);
    expect([stays.closed, publisher.closed]).toEqual([undefined, undefined]);
  });

  test("H6 is noticed when the room wakes, and by an alarm that was set before it slept", async () => {
    const { room, tokens, stub } = await createRoom();
    const awake = await join(room, tokens.subscribe);
    const goes = await join(room, await tokenFor(room, { exp: nowSeconds() + 60 }));
    await goes.until("welcome", (peer) => peer.said("welcome")[0]);
    await evictDurableObject(stub);
    advance(70);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await ended(goes)).toMatchObject({ code: 4002 });
    expect(awake.closed).toBeUndefined();
    // The alarm rings again for the next one, a week later.
    advance(8 * 24 * 3600);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await ended(awake)).toMatchObject({ code: 4002 });
  });

  test("H6 hundreds of tokens that expire one after the other are a few alarms", async () => {
    const { room, stub } = await createRoom();
    const first = nowSeconds() + 3600;
    const alarms = new Set<number | null>();
    const written = () =>
      runInDurableObject(stub, async (_, { storage }) => {
        alarms.add(await storage.getAlarm());
        return Number(storage.sql.exec("SELECT total_changes() AS changes").one().changes);
      });
    const peers = [await join(room, await tokenFor(room, { exp: first }))];
    const before = await written();
    for (let second = 1; second <= 100; second++)
      peers.push(await join(room, await tokenFor(room, { exp: first + second })));
    expect(await written()).toBe(before);
    let closed = 0;
    for (let rounds = 0; closed < peers.length && rounds < 20; rounds++) {
      const [at] = [...alarms].slice(-1);
      vi.useFakeTimers({ toFake: ["Date"], now: at ?? 0 });
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      await written();
      const { subscribers } = await answered<{ subscribers: number }>(api("GET", room, "", SECRET), 200);
      closed = peers.length - subscribers;
    }
    expect(closed).toBe(peers.length);
    // 101 tokens: one alarm for each 10 s, and none after the last.
    expect(alarms.size).toBeLessThanOrEqual(12);
  });

  test("H6 in a room at rest is exact for a token that ends in a moment", async () => {
    const { room, stub } = await createRoom();
    const goes = await join(room, await shortLived(room, { can: ["subscribe"] }));
    // The alarm is later, on a grid of 10 s: without it, only the timer is left.
    await goes.until("welcome", (peer) => peer.said("welcome")[0]);
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    expect(await ended(goes)).toEqual({ code: 4002, reason: "token_expired" });
  });

  test("H6 a client with a new token for each attempt loses no frame, neither sending nor receiving", async () => {
    const { room } = await createRoom();
    const fetched = { publish: 0, subscribe: 0 };
    const renewing = (right: keyof typeof fetched) => () => {
      fetched[right]++;
      const can = [right, "reliable" as const];
      return fetched[right] === 1 ? shortLived(room, { can }) : tokenFor(room, { can });
    };
    const where = { url: URL_BASE, room, environment };
    const subscriber = new Subscriber({ ...where, token: renewing("subscribe"), delivery: "reliable" });
    const publisher = new Publisher({ ...where, token: renewing("publish") });
    let sent = 0;
    const sending = (async () => {
      for (; sent < 300 || Math.min(fetched.publish, fetched.subscribe) < 2; sent++) {
        await publisher.write([{ payload: Uint8Array.of(sent >> 8, sent), flags: sent % 10 === 0 ? KEY : 0 }]);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await publisher.end();
    })();
    const received: number[] = [];
    const gaps: unknown[] = [];
    for await (const event of subscriber) {
      if (event.type === "gap") gaps.push(event);
      if (event.type === "end") break;
      if (event.type !== "frame") continue;
      received.push(((event.payload[0] ?? 0) << 8) | (event.payload[1] ?? 0));
    }
    await sending;
    expect(received).toEqual(Array.from({ length: sent }, (_, index) => index));
    expect(gaps).toEqual([]);
    expect(fetched).toEqual({ publish: 2, subscribe: 2 });
  });
});

describe("revocation", () => {
  const WAYS = [
    ["jti", { jti: "the-one" }, { jti: "the-one" }],
    ["subject", { sub: "mallory" }, { subject: "mallory" }],
    ["time", { iat: nowSeconds() - 3600 }, { issuedBefore: nowSeconds() - 1800 }],
  ] as const;

  test.each(WAYS)(
    "H5 by %s cuts live connections at once, refuses new ones, and holds after sleep",
    async (_, claims, body) => {
      const { room, tokens, stub } = await createRoom();
      const token = await tokenFor(room, { can: ["publish", "subscribe"], ...claims });
      const [watching, plain, sending] = [
        await join(room, token),
        await join(room, token, "", true),
        await publish(room, token),
      ];
      const stays = await join(room, tokens.subscribe);
      const { ticket } = await answered<{ ticket: string }>(api("POST", room, "/tickets", token, {}), 201);
      const start = performance.now();
      expect(await answered(api("POST", room, "/revocations", tokens.admin, body), 201)).toEqual({ closed: 3 });
      for (const peer of [watching, plain, sending])
        expect(await ended(peer)).toEqual({ code: 4507, reason: "revoked" });
      // Some milliseconds, unless the machine stands still; whatever waits in a room waits for 10 s at least.
      expect(performance.now() - start).toBeLessThan(8000);
      expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 unauthorized");
      await evictDurableObject(stub);
      expect(await outcome(knock(room, "", { authorization: `Bearer ${token}` }))).toBe("401 token_revoked");
      expect(await outcome(api("GET", room, "", token))).toBe("401 token_revoked");
      expect(stays.closed).toBeUndefined();
    },
  );

  test("H5 of a subject leaves tokens that are issued later alone, unless it says for how long", async () => {
    const { room, tokens } = await createRoom();
    const revoke = (body: object) => answered(api("POST", room, "/revocations", tokens.admin, body), 201);
    await revoke({ subject: "bob", issuedBefore: nowSeconds() - 100 });
    const old = await tokenFor(room, { sub: "bob", iat: nowSeconds() - 200 });
    const fresh = await tokenFor(room, { sub: "bob", iat: nowSeconds() - 50 });
    expect(await outcome(api("GET", room, "", old))).toBe("401 token_revoked");
    expect(await outcome(api("GET", room, "", fresh))).toBe("200");
    await revoke({ subject: "bob", issuedBefore: 1 });
    expect(await outcome(api("GET", room, "", old))).toBe("401 token_revoked");
    expect(await outcome(api("GET", room, "", await tokenFor(room, { sub: "alice" })))).toBe("200");
    const future = { subject: "bob", issuedBefore: nowSeconds() + 1000 };
    expect(await outcome(api("POST", room, "/revocations", tokens.admin, future))).toBe("400 invalid_request");
  });

  test("H5 a token minted after a revocation is valid, in the same second, too", async () => {
    const { room, tokens } = await createRoom();
    const mint = async (credential: string) =>
      (await answered<{ token: string }>(api("POST", room, "/tokens", credential, BOB), 201)).token;
    const old = await mint(tokens.admin);
    await answered(api("POST", room, "/revocations", tokens.admin, { subject: "bob" }), 201);
    const fresh = await mint(tokens.admin);
    expect(await outcome(api("GET", room, "", old))).toBe("401 token_revoked");
    expect(await outcome(api("GET", room, "", fresh))).toBe("200");
    // A revocation of everything does not apply to the operator either.
    await answered(api("POST", room, "/revocations", SECRET, { issuedBefore: nowSeconds() + 1 }), 201);
    expect(await outcome(api("GET", room, "", fresh))).toBe("401 token_revoked");
    expect(await outcome(api("GET", room, "", await mint(SECRET)))).toBe("200");
  });

  test("H5 an entry is kept as long as a token that it means could live, and then forgotten", async () => {
    const { room, tokens, stub } = await createRoom();
    await answered(api("POST", room, "/revocations", tokens.admin, { jti: "the-one" }), 201);
    const revoked = async () => outcome(api("GET", room, "", await tokenFor(room, { jti: "the-one" })));
    advance(MAX_TOKEN_TTL_SECONDS - 60);
    await runDurableObjectAlarm(stub);
    expect(await revoked()).toBe("401 token_revoked");
    advance(120);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await revoked()).toBe("200");
    expect(await runDurableObjectAlarm(stub)).toBe(false);
  });
});

const BOB = { can: ["subscribe"], subject: "bob", ttlSeconds: 600 };

describe("reusable tickets", () => {
  const ask = (room: string, token: string, body: object = {}) =>
    api("POST", room, "/tickets", token, { reusable: true, ...body });
  const issue = async (room: string, token: string, body: object = {}) =>
    (await answered<{ ticket: string; expiresAt: number }>(ask(room, token, body), 201)).ticket;

  test("H22 open any number of WebSockets until they expire, after a crash too, and no longer", async () => {
    const { room, tokens } = await createRoom();
    const ticket = await issue(room, tokens.subscribe, { ttlSeconds: 300 });
    const first = await admitted(knock(room, `ticket=${ticket}`));
    await first.until("welcome", ({ text }) => text[0]);
    await abortAllDurableObjects();
    expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("101");
    advance(301);
    expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 unauthorized");
  });

  test("H22 give `subscribe` alone, on the tracks of their token, in their room, and count as a ticket only", async () => {
    const [{ room, tokens }, other] = [await createRoom(), await createRoom()];
    const ticket = await issue(room, tokens.admin);
    expect(await outcome(knock(room, `role=publish&ticket=${ticket}`))).toBe("403 forbidden");
    expect(await outcome(knock(other.room, `ticket=${ticket}`))).toBe("401 unauthorized");
    expect(await outcome(api("GET", room, "", ticket))).toBe("401 unauthorized");
    expect(await outcome(knock(room, "", { authorization: `Bearer ${ticket}` }))).toBe("401 unauthorized");
    expect(await outcome(knock(room, `ticket=${tokens.subscribe}`))).toBe("401 unauthorized");
    const limited = await issue(room, await tokenFor(room, { tracks: ["a"] }));
    expect(await outcome(knock(room, `track=a&ticket=${limited}`))).toBe("101");
    expect(await outcome(knock(room, `track=b&ticket=${limited}`))).toBe("403 forbidden");
    expect(await outcome(ask(room, tokens.subscribe, { role: "publish" }))).toBe("400 invalid_request");
    expect(await outcome(ask(room, tokens.publish))).toBe("403 forbidden");
    expect(await outcome(ask(room, tokens.subscribe, { ttlSeconds: 3601 }))).toBe("400 invalid_request");
  });

  test("H22 fall with the token that they come from", async () => {
    const { room, tokens } = await createRoom();
    const bob = await tokenFor(room, { sub: "bob" });
    const ticket = await issue(room, bob);
    const peer = await admitted(knock(room, `ticket=${ticket}`));
    await answered(api("POST", room, "/revocations", tokens.admin, { subject: "bob" }), 201);
    expect(await ended(peer)).toMatchObject({ code: 4507 });
    expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 token_revoked");
    const short = await tokenFor(room, { iat: nowSeconds() - 60, exp: nowSeconds() + 20 });
    const { expiresAt } = await answered<{ expiresAt: number }>(ask(room, short), 201);
    expect(expiresAt).toBeLessThanOrEqual((nowSeconds() + 20) * 1000);
  });
});

describe("tickets", () => {
  const issue = async (room: string, token: string, body: object = {}) =>
    (await answered<{ ticket: string; expiresAt: number }>(api("POST", room, "/tickets", token, body), 201)).ticket;

  test("H4 open one WebSocket, once, after sleep too", async () => {
    const { room, tokens, stub } = await createRoom();
    const [first, second] = [await issue(room, tokens.subscribe), await issue(room, tokens.subscribe)];
    const peer = await admitted(knock(room, `ticket=${first}`));
    await peer.until("welcome", ({ text }) => text[0]);
    expect(await outcome(knock(room, `ticket=${first}`))).toBe("401 unauthorized");
    await evictDurableObject(stub);
    expect(await outcome(knock(room, `ticket=${first}`))).toBe("401 unauthorized");
    expect(await outcome(knock(room, `ticket=${second}`))).toBe("101");
    expect(await outcome(knock(room, `ticket=${second}`))).toBe("401 unauthorized");
  });

  /** Streams into the room, so that it is busy. Returns a function that stops it. */
  async function busy(room: string, token: string): Promise<() => void> {
    const publisher = await publish(room, token);
    let sequence = 0;
    const stream = setInterval(() => publisher.frames(frame(sequence++, 100, KEY)), 20);
    await publisher.until("an ack", (peer) => peer.said("ack")[0]);
    return () => {
      clearInterval(stream);
      publisher.close();
    };
  }

  const rowsWritten = (stub: DurableObjectStub<Room>) =>
    runInDurableObject(stub, (_, { storage }) =>
      Number(storage.sql.exec("SELECT total_changes() AS changes").one().changes),
    );

  test("H4 while a stream runs, no row is written when they are issued, shown, or shown again", async () => {
    const { room, tokens, stub } = await createRoom();
    const stop = await busy(room, tokens.publish);
    const peer = await join(room, tokens.subscribe);
    await peer.until("a frame", ({ binary }) => binary[0]);
    const before = await rowsWritten(stub);
    for (let count = 0; count < 10; count++) {
      const query = `ticket=${await issue(room, tokens.subscribe)}`;
      expect(await outcome(knock(room, query))).toBe("101");
      expect(await outcome(knock(room, query))).toBe("401 unauthorized");
    }
    expect(await rowsWritten(stub)).toBe(before);
    stop();
    peer.close();
    // In a quiet room, tickets are rows, so the count above is meaningful.
    const quiet = await createRoom();
    const none = await rowsWritten(quiet.stub);
    await issue(quiet.room, quiet.tokens.subscribe);
    expect(await rowsWritten(quiet.stub)).toBeGreaterThan(none);
  });

  test("H4 a crash between issue and use, or after use, never makes one count twice", async () => {
    const [quiet, streaming] = [await createRoom(), await createRoom()];
    const stop = await busy(streaming.room, streaming.tokens.publish);
    const [used, unused, lost] = [
      await issue(quiet.room, quiet.tokens.subscribe),
      await issue(quiet.room, quiet.tokens.subscribe),
      await issue(streaming.room, streaming.tokens.subscribe),
    ];
    const shown = await issue(streaming.room, streaming.tokens.subscribe);
    expect(await outcome(knock(quiet.room, `ticket=${used}`))).toBe("101");
    expect(await outcome(knock(streaming.room, `ticket=${shown}`))).toBe("101");
    stop();
    for (let crash = 0; crash < 2; crash++) {
      await abortAllDurableObjects();
      expect(await outcome(knock(quiet.room, `ticket=${used}`))).toBe("401 unauthorized");
      for (const ticket of [lost, shown]) {
        expect(await outcome(knock(streaming.room, `ticket=${ticket}`))).toBe("401 unauthorized");
      }
      expect(await outcome(knock(quiet.room, `ticket=${unused}`))).toBe(crash === 0 ? "101" : "401 unauthorized");
    }
    const again = await issue(streaming.room, streaming.tokens.subscribe);
    expect(await outcome(knock(streaming.room, `ticket=${again}`))).toBe("101");
  });

  test("H4 a token cannot take the tickets of others", async () => {
    const { room, tokens } = await createRoom();
    const ask = (token: string) => outcome(api("POST", room, "/tickets", token, {}));
    for (let count = 0; count < MAX_TICKETS_PER_TOKEN; count++) await issue(room, tokens.subscribe);
    expect(await ask(tokens.subscribe)).toBe("429 too_many_tickets");
    expect([await ask(tokens.admin), await ask(tokens.publish), await ask(SECRET)]).toEqual(["201", "201", "201"]);
  });

  test("H4 shown twice at once, one is let in", async () => {
    const { room, tokens } = await createRoom();
    const ticket = await issue(room, tokens.subscribe);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => outcome(knock(room, `ticket=${ticket}`))));
    expect(outcomes.toSorted()).toEqual(["101", ...Array.from({ length: 4 }, () => "401 unauthorized")]);
  });

  test("H4 are bound to their room, role and tracks, and are spent by a try", async () => {
    const [{ room, tokens }, other] = [await createRoom(), await createRoom()];
    const limited = await tokenFor(room, { can: ["publish", "subscribe"], tracks: ["a", "b"] });
    const cases = [
      [tokens.subscribe, {}, "role=publish"],
      [limited, { role: "subscribe" }, "role=publish&track=a"],
      [limited, { role: "publish" }, "track=a"],
      [limited, { tracks: ["a"] }, "track=b"],
      [limited, {}, "track=main"],
    ] as const;
    for (const [token, body, query] of cases) {
      const ticket = await issue(room, token, body);
      expect(await outcome(knock(room, `${query}&ticket=${ticket}`))).toBe("403 forbidden");
      expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 unauthorized");
    }
    expect(await outcome(knock(other.room, `ticket=${await issue(room, tokens.subscribe)}`))).toBe("401 unauthorized");
    expect(await outcome(knock(room, `role=publish&track=b&ticket=${await issue(room, limited)}`))).toBe("101");
  });

  test("H4 never give more than the token, nor live longer than 60 s or the token", async () => {
    const { room, tokens } = await createRoom();
    const ask = (token: string, body: object) => outcome(api("POST", room, "/tickets", token, body));
    expect(await ask(tokens.subscribe, { role: "publish" })).toBe("403 forbidden");
    expect(await ask(await tokenFor(room, { tracks: ["a"] }), { tracks: ["a", "b"] })).toBe("403 forbidden");
    expect(await ask(tokens.subscribe, { ttlSeconds: 61 })).toBe("400 invalid_request");
    const { expiresAt } = await answered<{ expiresAt: number }>(
      api("POST", room, "/tickets", await tokenFor(room, { exp: nowSeconds() + 2 }), {}),
      201,
    );
    expect(expiresAt).toBeLessThanOrEqual((nowSeconds() + 8) * 1000);
    const ticket = await issue(room, tokens.subscribe);
    advance(61);
    expect(await outcome(knock(room, `ticket=${ticket}`))).toBe("401 unauthorized");
  });

  test("H4 H6 a connection that came with a ticket ends with the ticket's token", async () => {
    const { room } = await createRoom();
    const ticket = await issue(room, await shortLived(room, { can: ["subscribe"] }));
    expect(await ended(await admitted(knock(room, `ticket=${ticket}`)))).toMatchObject({ code: 4002 });
  });
});
