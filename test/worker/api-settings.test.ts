// The settings of a room's owner, within the operator's limits, and their immediate effect.
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeMessage } from "../../protocol/frame.ts";
import { app } from "../../worker/routes.ts";
import { admitted, answered, api, createWith, ended, knock, outcome, tokenFor } from "./support/api.ts";
import { createRoom, frame, join, KEY, publish, request } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

const BOUNDED = { maxSubscribers: 10, bytesPerSecondIn: 100_000, idleExpirySeconds: 60 };

const patch = (room: string, token: string, settings: object) => api("PATCH", room, "", token, { settings });

describe("settings", () => {
  test("H9 are there from creation on, change one by one, and survive sleep", async () => {
    const { room, tokens } = await createWith({ title: "Launch", maxSubscribers: 2 });
    const { settings } = await answered<{ settings: object }>(api("GET", room, "", tokens.subscribe), 200);
    expect(settings).toMatchObject({
      title: "Launch",
      maxSubscribers: 2,
      public: false,
      presence: false,
      delivery: "live",
      maxReliable: 8,
      reliableHoldSeconds: 60,
      latencySeconds: 5,
      embedOrigins: [],
      recording: "off",
    });
    const changed = await answered<{ settings: object }>(patch(room, tokens.admin, { title: "Encore" }), 200);
    expect(changed.settings).toEqual({ ...settings, title: "Encore" });
    await evictDurableObject(env.ROOM.getByName(room));
    expect(await answered(api("GET", room, "", tokens.subscribe), 200)).toMatchObject(changed);
  });

  test("H9 H12 beyond the operator's limits, of a wrong kind or unknown, they are refused and nothing changes", async () => {
    const { room, tokens } = await createRoom();
    const before = await answered<{ settings: object }>(api("GET", room, "", tokens.admin), 200);
    for (const settings of [
      { maxSubscribers: 1_000_001 },
      { maxSubscribers: 0 },
      { maxSubscribers: 1.5 },
      { historyBytes: 2 ** 40 },
      { historySeconds: 10 ** 6 },
      { bytesPerSecondIn: 1 },
      { delivery: "sometimes" },
      { maxReliable: -1 },
      { maxReliable: 5001 },
      { reliableHoldSeconds: 0 },
      { reliableHoldSeconds: 3601 },
      { latencySeconds: 0 },
      { latencySeconds: 61 },
      { recording: "sometimes" },
      { recording: [] },
      { recording: ["a b"] },
      { recordingSeconds: 10 ** 8 },
      { recordingBytes: 1000 },
      { title: "x".repeat(201) },
      { title: 7 },
      { title: "fine", colour: "red" },
    ]) {
      expect(await outcome(patch(room, tokens.admin, settings))).toBe("400 invalid_request");
      const creation = request("/api/rooms", { method: "POST", body: JSON.stringify({ settings }) });
      expect(await outcome(creation)).toBe("400 invalid_request");
    }
    expect(await answered(api("GET", room, "", tokens.admin), 200)).toMatchObject({ settings: before.settings });
    expect(await outcome(api("PATCH", room, "", tokens.admin, { title: "x" }))).toBe("400 invalid_request");
  });

  test("H9 the operator's vars bound them", async () => {
    const bounded = { ...env, MAX_SUBSCRIBERS: "10", MAX_BYTES_PER_SECOND_IN: "100000", MAX_IDLE_SECONDS: "60" };
    const create = async (settings: object) => {
      const body = JSON.stringify({ settings });
      return outcome(await app.fetch(new Request("http://roomcast.test/api/rooms", { method: "POST", body }), bounded));
    };
    expect(await create({ maxSubscribers: 10, bytesPerSecondIn: 100_000, idleExpirySeconds: 60 })).toBe("201");
    for (const settings of [{ maxSubscribers: 11 }, { bytesPerSecondIn: null }, { idleExpirySeconds: null }]) {
      expect(await create(settings)).toBe("400 invalid_request");
    }
    // Without a bucket, rooms cannot be recorded.
    expect(await create({ recording: "all", recordingSeconds: 60, ...BOUNDED })).toBe("201");
    const without = { ...bounded, RECORDINGS: undefined };
    const body = JSON.stringify({ settings: { recording: ["main"], ...BOUNDED } });
    const answer = await app.fetch(new Request("http://roomcast.test/api/rooms", { method: "POST", body }), without);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("no bucket for recordings")]);
  });
});

describe("limits", () => {
  test("H9 subscribers and publishers above the room's limits are asked to reconnect later", async () => {
    const { room, tokens } = await createWith({ maxSubscribers: 1, maxPublishers: 1 });
    await join(room, tokens.subscribe);
    expect(await ended(await join(room, tokens.subscribe))).toMatchObject({ code: 4004 });
    const publisher = await publish(room, tokens.publish);
    const second = await admitted(knock(room, "role=publish&track=b", { authorization: `Bearer ${tokens.publish}` }));
    expect(await ended(second)).toMatchObject({ code: 4004 });
    // Taking over a track needs no further place.
    await publish(room, tokens.publish, "takeover=1");
    expect(await ended(publisher)).toMatchObject({ code: 4509 });
    await answered(patch(room, tokens.admin, { maxSubscribers: 2 }), 200);
    const third = await join(room, tokens.subscribe);
    await third.until("welcome", (peer) => peer.said("welcome")[0]);
  });

  test("H9 P4 above bytesPerSecondIn publishers are held back, and continue; one that ignores it is closed", async () => {
    const { room, tokens } = await createWith({ bytesPerSecondIn: 100_000 });
    const publisher = await publish(room, tokens.publish);
    const windows = () => publisher.said("ack").map(({ window }) => window as number);
    const start = Date.now();
    // In one message: between two of them, the window might open again.
    publisher.send(encodeMessage([frame(0, 100_000, KEY), frame(1, 20_000)]));
    await publisher.until("a closed window", () => windows().includes(0));
    await publisher.until("an open window", () => (windows().at(-1) ?? 0) > 0);
    expect(Date.now() - start).toBeGreaterThan(100);
    expect(publisher.closed).toBeUndefined();
    for (let sequence = 2; sequence < 12; sequence++) publisher.frames(frame(sequence, 1_000_000));
    expect(await ended(publisher)).toMatchObject({ code: 4505 });
  });

  test("H9 W4 the room's delivery is the default, as far as clients may have it", async () => {
    const { room, tokens } = await createWith({ delivery: "reliable", public: true });
    const may = await tokenFor(room, { can: ["subscribe", "reliable"] });
    for (const [token, query, plain] of [
      [may, "", false],
      [may, "", true],
      [may, "delivery=latest", false],
      [tokens.subscribe, "", false],
      [tokens.admin, "", false],
    ] as const)
      await join(room, token, query, plain);
    await admitted(knock(room, ""));
    const { connections } = await answered<{ connections: { delivery: string }[] }>(
      api("GET", room, "/connections", tokens.admin),
      200,
    );
    expect(connections.map(({ delivery }) => delivery)).toEqual([
      "reliable",
      "live",
      "latest",
      "live",
      "reliable",
      "live",
    ]);
  });

  test("W4 H4 reliable by name needs the right, with a ticket too; a new room gives it to its admin alone", async () => {
    const { room, tokens } = await createWith({ public: true });
    const ask = async (token: string | undefined) =>
      outcome(knock(room, "delivery=reliable", token === undefined ? {} : { authorization: `Bearer ${token}` }));
    const minted = async (can: string[]) =>
      (await answered<{ token: string }>(api("POST", room, "/tokens", tokens.admin, { can, ttlSeconds: 60 }), 201))
        .token;
    const may = await minted(["subscribe", "reliable"]);
    for (const [token, is] of [
      [undefined, "403 forbidden"],
      [tokens.subscribe, "403 forbidden"],
      [tokens.publish, "403 forbidden"],
      [await minted(["subscribe", "publish", "message"]), "403 forbidden"],
      [may, "101"],
      [tokens.admin, "101"],
    ] as const) {
      expect(await ask(token)).toBe(is);
    }
    for (const [token, is] of [
      [tokens.subscribe, "403 forbidden"],
      [may, "101"],
    ] as const) {
      const { ticket } = await answered(api("POST", room, "/tickets", token, { role: "subscribe" }), 201);
      expect(await outcome(knock(room, `delivery=reliable&ticket=${ticket}`))).toBe(is);
    }
  });

  test("H15 a room without connections closes itself after its idle time; one with connections does not", async () => {
    const { room, tokens } = await createWith({ idleExpirySeconds: 600 });
    const stub = env.ROOM.getByName(room);
    const start = Date.now();
    const at = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: start + seconds * 1000 });
    const peer = await join(room, tokens.subscribe);
    await peer.until("welcome", ({ text }) => text[0]);
    at(700);
    await runDurableObjectAlarm(stub);
    expect(await outcome(api("GET", room, "", tokens.admin))).toBe("200");
    peer.close();
    // Each look moves the clock on by its interval, so by at most 15 s.
    await vi.waitFor(
      async () => expect(await answered(api("GET", room, "", tokens.admin), 200)).toMatchObject({ subscribers: 0 }),
      { timeout: 15_000, interval: 50 },
    );
    at(1200);
    await runDurableObjectAlarm(stub);
    expect(await outcome(api("GET", room, "", tokens.admin))).toBe("200");
    at(1320);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await outcome(api("GET", room, "", tokens.admin))).toBe("410 room_closed");
  });
});

describe("public rooms", () => {
  test("H10 let anyone subscribe and nothing else; an invalid credential is still refused", async () => {
    const { room, tokens } = await createWith({ public: true });
    const anyone = await admitted(knock(room, ""));
    const plain = await admitted(request(`/rooms/${room}/ws`, { headers: { upgrade: "websocket" } }));
    const publisher = await publish(room, tokens.publish);
    publisher.frames(frame(0, 100, KEY));
    for (const peer of [anyone, plain]) await peer.until("a frame", ({ binary }) => binary[0]);
    expect(await outcome(knock(room, "role=publish"))).toBe("403 forbidden");
    expect(await outcome(api("GET", room, ""))).toBe("401 unauthorized");
    expect(await outcome(knock(room, "", { authorization: "Bearer nonsense" }))).toBe("401 unauthorized");
    expect(await outcome(knock(room, `ticket=${"0".repeat(32)}`))).toBe("401 unauthorized");
    expect(await outcome(knock(room, "", { authorization: `Bearer ${await tokenFor("other")}` }))).toBe(
      "401 unauthorized",
    );
  });

  test("H10 when that ends, such subscribers are cut, and only those", async () => {
    const { room, tokens } = await createWith({ public: true });
    const [anyone, named] = [await admitted(knock(room, "")), await join(room, tokens.subscribe)];
    await evictDurableObject(env.ROOM.getByName(room));
    await answered(patch(room, tokens.admin, { public: false }), 200);
    expect(await ended(anyone)).toEqual({ code: 4507, reason: "revoked" });
    expect(named.closed).toBeUndefined();
    expect(await outcome(knock(room, ""))).toBe("401 unauthorized");
  });
});
