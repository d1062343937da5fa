// An owner's actions: mint tokens, list and end connections, close the room permanently. And two rooms are separate.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import { answered, api, ended, knock, outcome, SECRET, tokenFor } from "./support/api.ts";
import { createRoom, frame, join, KEY, publish, request } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

interface Listed {
  readonly connections: readonly (Record<string, unknown> & { readonly connection: string })[];
}

describe("tokens", () => {
  test("an admin mints tokens, with rights, subject, tracks and time as asked, and no more", async () => {
    const { room, tokens } = await createRoom();
    const mint = (body: object, by = tokens.admin) => api("POST", room, "/tokens", by, body);
    const { token } = await answered<{ token: string }>(
      mint({ can: ["subscribe"], ttlSeconds: 60, subject: "ann", tracks: ["a"] }),
      201,
    );
    expect(await outcome(knock(room, "track=a", { authorization: `Bearer ${token}` }))).toBe("101");
    expect(await outcome(knock(room, "track=b", { authorization: `Bearer ${token}` }))).toBe("403 forbidden");
    expect(await outcome(api("GET", room, "/connections", token))).toBe("403 forbidden");
    for (const body of [
      { can: ["subscribe"] },
      { can: [], ttlSeconds: 60 },
      { can: ["root"], ttlSeconds: 60 },
      { can: ["subscribe"], ttlSeconds: 0 },
      { can: ["subscribe"], ttlSeconds: MAX_TOKEN_TTL_SECONDS + 1 },
      { can: ["subscribe"], ttlSeconds: 60, room: "*" },
      { can: ["subscribe"], ttlSeconds: 60, subject: "" },
      { can: ["subscribe"], ttlSeconds: 60, tracks: [] },
    ]) {
      expect(await outcome(mint(body))).toBe("400 invalid_request");
    }
    const limited = await tokenFor(room, { can: ["admin"], tracks: ["a"] });
    expect(await outcome(mint({ can: ["publish"], ttlSeconds: 60, tracks: ["b"] }, limited))).toBe("403 forbidden");
    const inherited = await answered<{ token: string }>(mint({ can: ["publish"], ttlSeconds: 60 }, limited), 201);
    const headers = { authorization: `Bearer ${inherited.token}` };
    expect(await outcome(knock(room, "role=publish&track=main", headers))).toBe("403 forbidden");
  });

  test("H14 the operator's key is admin of every room over HTTP", async () => {
    const { room } = await createRoom();
    await answered(api("POST", room, "/tokens", SECRET, { can: ["subscribe"], ttlSeconds: 60 }), 201);
    await answered(api("GET", room, "", SECRET), 200);
    expect(await outcome(api("GET", "never", "", SECRET))).toBe("404 room_not_found");
  });
});

describe("connections", () => {
  test("H7 are listed with their figures, and one is ended without a word to the others", async () => {
    const { room, tokens } = await createRoom();
    const ann = await tokenFor(room, { can: ["subscribe"], sub: "ann" });
    const [publisher, kicked, stays] = [
      await publish(room, tokens.publish),
      await join(room, ann),
      await join(room, ann, "", true),
    ];
    publisher.frames(frame(0, 100, KEY), frame(1, 100));
    await publisher.acknowledged(2);
    const { connections } = await answered<Listed>(api("GET", room, "/connections", tokens.admin), 200);
    expect(connections).toMatchObject([
      { role: "publish", subject: null, track: "main", framesReceived: 2, bytesReceived: 248 },
      {
        role: "subscribe",
        subject: "ann",
        mode: "framed",
        delivery: "live",
        framesSent: 2,
        bytesSent: 248,
        gaps: 0,
        framesSkipped: 0,
      },
      { role: "subscribe", subject: "ann", mode: "plain", bytesSent: 200, state: "in-step" },
    ]);
    const id = connections[1]?.connection;
    expect(await outcome(api("DELETE", room, `/connections/${id}`, tokens.admin))).toBe("204");
    expect(await ended(kicked)).toEqual({ code: 4508, reason: "kicked" });
    expect(await outcome(api("DELETE", room, `/connections/${id}`, tokens.admin))).toBe("404 connection_not_found");
    expect([stays.closed, publisher.closed]).toEqual([undefined, undefined]);
    const left = await answered<Listed>(api("GET", room, "/connections", tokens.admin), 200);
    expect(left.connections).toHaveLength(2);
  });

  test("H7 a publisher that is ended leaves its track offline, and another takes its place", async () => {
    const { room, tokens } = await createRoom();
    const publisher = await publish(room, tokens.publish);
    const subscriber = await join(room, tokens.subscribe);
    const { connections } = await answered<Listed>(api("GET", room, "/connections", tokens.admin), 200);
    await answered(api("DELETE", room, `/connections/${connections[0]?.connection}`, tokens.admin), 204);
    expect(await ended(publisher)).toMatchObject({ code: 4508 });
    await subscriber.until("offline", (peer) => peer.said("source").at(-1)?.state === "offline");
    await publish(room, tokens.publish);
  });
});

describe("the room closed permanently", () => {
  test("H8 closes everybody, forgets all, leaves a tombstone, and its alarm removes that", async () => {
    const { room, tokens, stub } = await createRoom();
    const peers = [
      await publish(room, tokens.publish),
      await join(room, tokens.subscribe),
      await join(room, tokens.subscribe, "", true),
    ];
    await answered(api("POST", room, "/revocations", tokens.admin, { jti: "x" }), 201);
    await answered(api("POST", room, "/tickets", tokens.subscribe, {}), 201);
    expect(await outcome(api("DELETE", room, "", tokens.admin))).toBe("204");
    for (const peer of peers) expect(await ended(peer)).toEqual({ code: 4506, reason: "room_closed" });
    const keys = () => runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()].map(([key]) => key));
    expect(await keys()).toEqual(["closed"]);
    await evictDurableObject(stub);
    for (const token of [tokens.admin, tokens.subscribe])
      expect(await outcome(api("GET", room, "", token))).toBe("410 room_closed");
    expect(await outcome(api("DELETE", room, "", tokens.admin))).toBe("410 room_closed");
    expect(await outcome(knock(room, "", { authorization: `Bearer ${tokens.subscribe}` }))).toBe("410 room_closed");
    expect(await outcome(request("/api/rooms", { method: "POST", body: JSON.stringify({ id: room }) }))).toBe(
      "409 room_exists",
    );
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + (MAX_TOKEN_TTL_SECONDS + 120) * 1000 });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await keys()).toEqual([]);
    expect(await outcome(request("/api/rooms", { method: "POST", body: JSON.stringify({ id: room }) }))).toBe("201");
  });

  test("H8 a closed room accepts no frame that was on its way", async () => {
    const { room, tokens, stub } = await createRoom();
    const publisher = await publish(room, tokens.publish);
    const closing = api("DELETE", room, "", tokens.admin);
    for (let sequence = 0; sequence < 100; sequence++) publisher.frames(frame(sequence, 1000, KEY));
    await closing;
    expect(await ended(publisher)).toMatchObject({ code: 4506 });
    const keys = await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()].map(([key]) => key));
    expect(keys).toEqual(["closed"]);
  });
});

describe("existence", () => {
  test("H2 unknown, closed and open rooms are refused in the same words without a credential", async () => {
    const [living, closed] = [await createRoom(), await createRoom()];
    await answered(api("DELETE", closed.room, "", closed.tokens.admin), 204);
    const foreign = await tokenFor("foreign", { can: ["admin"] });
    const requests = (room: string) => [
      () => api("GET", room, ""),
      () => api("DELETE", room, ""),
      () => api("POST", room, "/messages", undefined, { body: 1 }),
      () => api("GET", room, "", foreign),
      () => api("POST", room, "/tickets", foreign, {}),
      () => api("GET", room, "/connections", foreign),
      () => knock(room, ""),
      () => knock(room, "role=publish"),
      () => knock(room, `ticket=${"0".repeat(32)}`),
      () => knock(room, "", { authorization: `Bearer ${foreign}` }),
      () => request(`/rooms/${room}`),
    ];
    const look = async (room: string) => {
      const seen = [];
      for (const ask of requests(room)) {
        const response = await ask();
        const body = (await response.text()).replaceAll(room, "ROOM");
        seen.push({
          status: response.status,
          headers: [...response.headers].filter(([name]) => name !== "date"),
          body,
        });
      }
      return seen;
    };
    const reference = await look("never");
    expect(reference.slice(0, 10).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(await look(living.room)).toEqual(reference);
    expect(await look(closed.room)).toEqual(reference);
  });

  test("nothing of one room is read, listed, ended or revoked with the other one's credentials", async () => {
    const [mine, theirs] = [await createRoom(), await createRoom()];
    const victim = await join(theirs.room, theirs.tokens.subscribe);
    const { connections } = await answered<Listed>(api("GET", theirs.room, "/connections", theirs.tokens.admin), 200);
    const id = connections[0]?.connection;
    // With my rights, in my room, at their address.
    expect(await outcome(api("DELETE", mine.room, `/connections/${id}`, mine.tokens.admin))).toBe(
      "404 connection_not_found",
    );
    const message = { to: { connection: id }, body: "psst" };
    expect(await outcome(api("POST", mine.room, "/messages", mine.tokens.admin, message))).toBe("404 unknown_address");
    await answered(
      api("POST", mine.room, "/revocations", mine.tokens.admin, { issuedBefore: 1 + Math.floor(Date.now() / 1000) }),
      201,
    );
    expect(await outcome(api("GET", theirs.room, "", theirs.tokens.subscribe))).toBe("200");
    expect(await outcome(api("GET", mine.room, "", mine.tokens.admin))).toBe("401 token_revoked");
    expect(victim.text.map(({ type }) => type)).toEqual(["welcome", "occupancy"]);
    expect(victim.closed).toBeUndefined();
  });
});
