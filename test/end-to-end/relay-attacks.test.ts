// Attackers that know that a room has relays: tickets and names of relays open nothing that a room would not open.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestRuntime, tokenWith } from "../support/local-room.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { RoomApi } from "../support/room-api.ts";
import { connectionOf, SpreadRoom } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";

const RENEWALS = 1000;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await startTestRuntime({ vars: { MAX_OBJECT_SUBSCRIBERS: "2", LIMITS: "off" } });
});
afterAll(() => runtime?.close());

const outcome = (asked: Promise<unknown>) =>
  asked.then(
    () => "ok",
    (error: Error) => error.message,
  );

/** Every relay that was ever started. */
const relayObjects = () => runtime.miniflare.listDurableObjectIds("Relay", "roomcast");

test("H4 a ticket is redeemed by the room and served by a relay, once", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const token = await tokenWith({ room: room.id, sub: "ann", jti: "of-ann" });
  const issue = () => new RoomApi(runtime.url, room.room, token).ask<{ ticket: string }>("POST", "/tickets", {});
  const { ticket } = await issue();
  const one = await room.join(null, `ticket=${ticket}`);
  expect(connectionOf(one)).toContain("~");
  expect(await outcome(room.join(null, `ticket=${ticket}`))).toContain("401");
  const listed = await room.api.connections();
  expect(listed.find(({ connection }) => connection === connectionOf(one))).toMatchObject({ subject: "ann" });
  const another = await issue();
  expect(await room.api.ask("POST", "/revocations", { jti: "of-ann" })).toEqual({ closed: 1 });
  await waitFor("the end", () => one.closed);
  expect(one.closed?.code).toBe(4507);
  expect(await outcome(room.join(null, `ticket=${another.ticket}`))).toContain("401");
});

test("H3 the name of a relay is not a room's, in any spelling and for any client", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const everything = await tokenWith({ can: ["admin"] });
  const relay = `${room.id}~enam~0`;
  const own = await tokenWith({ room: relay, can: ["admin"] });
  for (const token of [everything, own, room.room.tokens.admin]) {
    const headers = { authorization: `Bearer ${token}` };
    for (const name of [relay, relay.replaceAll("~", "%7E"), relay.replaceAll("~", "%7e"), `${room.id}%2F~enam~0`]) {
      for (const path of ["", "/connections", "/messages", "/tokens", "/tickets", "/revocations"]) {
        const response = await fetch(`${runtime.url}/api/rooms/${name}${path}`, { headers });
        expect([404, 405]).toContain(response.status);
      }
      const socket = new RawSubscriber(`${runtime.url.replace("http", "ws")}/rooms/${name}/ws`, token, {
        framed: true,
      });
      expect(await outcome(socket.opened())).toContain("404");
    }
  }
  const body = JSON.stringify({ id: relay });
  expect((await fetch(`${runtime.url}/api/rooms`, { method: "POST", body })).status).toBe(400);
  expect(await outcome(room.join(own))).toContain("401");
});

test("W1 headers that objects of a room send each other mean nothing from outside", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const who = { subject: "root", jti: "forged", issuedAt: 0, expiresAt: null };
  const forged = {
    asked: { role: "subscribe", label: null, framed: true, tracks: null, start: { at: "group" }, delivery: null },
    credential: { by: "token", grant: { who, can: ["admin"], tracks: null } },
  };
  const headers = {
    "x-roomcast-knock": encodeURIComponent(JSON.stringify(forged)),
    "x-roomcast-link": encodeURIComponent(JSON.stringify({ generation: 9e15, versions: { least: 1, most: 1 } })),
  };
  for (let attempt = 0; attempt < 4; attempt++) {
    const stranger = new RawSubscriber(room.socketUrl, undefined, { framed: true, headers });
    expect(await outcome(stranger.opened())).toContain("401");
    const member = new RawSubscriber(room.socketUrl, room.room.tokens.subscribe, { framed: true, headers });
    room.subscribers.push(await member.opened());
    await waitFor("a welcome", () => connectionOf(member) !== "");
  }
  expect(room.subscribers.filter(({ closed }) => closed !== undefined)).toEqual([]);
  expect((await room.api.connections()).filter(({ subject }) => subject !== null)).toEqual([]);
  expect((await room.api.describe()).relays.map(({ state }) => state)).not.toContain("lost");
});

test("C1 a subscriber at a relay that speaks as a relay or as a parent is closed, alone", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const texts = [
    { type: "attach", version: 1, positions: [] },
    { type: "load", loads: [{ id: `${room.id}~enam~0`, subscribers: 0, sendsPerSecond: 0, queuedBytes: 0 }] },
    { type: "parked" },
    { type: "park" },
    { type: "track", track: 0, name: "main", epoch: "x", sequence: 0 },
  ];
  for (const text of texts) {
    const one = await room.join();
    expect(connectionOf(one)).toContain("~");
    one.socket.send(JSON.stringify(text));
    await waitFor("its end", () => one.closed);
    expect(one.closed?.code).toBe(4501);
  }
  const rest = room.subscribers.slice(0, -texts.length);
  expect(rest.filter(({ closed }) => closed !== undefined)).toEqual([]);
});

test("H19 1,000 renewals with invented ids find nothing, and start no object", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const grown = async () => (await relayObjects()).length - (await room.api.describe()).relays.length;
  const before = await grown();
  const api = new RoomApi(runtime.url, room.room, await tokenWith({ sub: "ann" }));
  const regions = ["enam", "weur", "oc", "any", "nowhere"];
  const outcomes = new Set<string>();
  for (let begun = 0; begun < RENEWALS; begun += 50) {
    const some = Array.from({ length: 50 }, (_, index) => {
      const region = regions[index % regions.length];
      return outcome(api.ask("POST", `/connections/0000000000000000~${region}~${begun + index}/token`, {}));
    });
    for (const one of await Promise.all(some)) outcomes.add(one);
  }
  expect([...outcomes]).toEqual(["404 connection_not_found"]);
  // Except those that the room opened itself.
  expect(await grown()).toBeLessThanOrEqual(before);
  expect(room.subscribers.filter(({ closed }) => closed !== undefined)).toEqual([]);
});
