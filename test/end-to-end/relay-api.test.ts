// The API's promises in a room with several objects: they apply to all objects together.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestRuntime, tokenWith } from "../support/local-room.ts";
import type { RawSubscriber } from "../support/raw-subscriber.ts";
import { RoomApi } from "../support/room-api.ts";
import { connectionOf, DEPTHS, SpreadRoom, said } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await startTestRuntime({ vars: { MAX_OBJECT_SUBSCRIBERS: "2", LIMITS: "off" } });
});
afterAll(() => runtime.close());

/** One subscriber at each depth. */
function oneAtEach(room: SpreadRoom): RawSubscriber[] {
  return DEPTHS.map((depth) => room.at(depth)[0] as RawSubscriber);
}

/** `STATUS code` of a refusal; "ok" for a success. */
const outcome = (asked: Promise<unknown>) =>
  asked.then(
    () => "ok",
    (error: Error) => error.message,
  );

const lastOccupancy = (one: RawSubscriber) => said(one, "occupancy").at(-1)?.subscribers;

test("H7 everybody counts, wherever they are, and connections are listed page by page", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const count = room.subscribers.length;
  await waitFor("the whole room to be counted", async () => (await room.api.describe()).subscribers === count);
  await waitFor("all to be told", () => room.subscribers.every((one) => lastOccupancy(one) === count));
  const { relays } = await room.api.describe();
  expect(relays.map(({ id, parent, region }) => ({ id, parent, region })).slice(0, 2)).toEqual([
    { id: `${room.id}~enam~0`, parent: room.id, region: "enam" },
    { id: `${room.id}~enam~1`, parent: `${room.id}~enam~0`, region: "enam" },
  ]);
  const seats = await room.api.seats();
  expect(seats).toMatchObject(
    Object.fromEntries(relays.flatMap(({ id, subscribers }) => (subscribers > 0 ? [[id, subscribers]] : []))),
  );
  const ids = room.subscribers.map(connectionOf).sort();
  for (const limit of [1, 2, 1000]) {
    const listed = await room.api.connections(limit);
    expect(listed.map(({ connection }) => connection).sort()).toEqual(ids);
    expect(listed.every(({ at, connection }) => at === room.id || connection.endsWith(at.slice(room.id.length)))).toBe(
      true,
    );
  }
  for (const query of ["limit=0", "limit=1001", "after=", "after=a/b/c", "more=1"]) {
    expect(await outcome(room.api.ask("GET", `/connections?${query}`))).toBe("400 invalid_request");
  }
  const invented = await room.api.ask<{ connections: unknown[] }>("GET", `/connections?after=${room.id}~oc~7/z/0`);
  expect(invented.connections).toEqual([]);
});

test("H7 a kick reaches a connection at any object, and an invented id is not found", async () => {
  using room = await SpreadRoom.create(runtime.url);
  for (const one of oneAtEach(room)) {
    await room.api.ask("DELETE", `/connections/${connectionOf(one)}`);
    await waitFor("the kick", () => one.closed);
    expect(one.closed?.code).toBe(4508);
    expect(await outcome(room.api.ask("DELETE", `/connections/${connectionOf(one)}`))).toBe("404 connection_not_found");
  }
  for (const id of ["x~enam~0", "x~enam~999999", "x~oc~0", "x~~", "~", "~enam~0", `${room.id}~enam~0`, "__proto__"]) {
    expect(await outcome(room.api.ask("DELETE", `/connections/${id}`))).toBe("404 connection_not_found");
  }
});

test("H19 a connection at a relay continues with another token, and ends with that one", async () => {
  const sub = "ann";
  using room = await SpreadRoom.create(runtime.url, {}, [await tokenWith({ sub })]);
  for (const [index, one] of oneAtEach(room).entries()) {
    const renew = (token: string) =>
      outcome(new RoomApi(runtime.url, room.room, token).ask("POST", `/connections/${connectionOf(one)}/token`, {}));
    expect(await renew(await tokenWith({ sub: "bob" }))).toBe("403 forbidden");
    expect(await renew(room.room.tokens.subscribe)).toBe("403 forbidden");
    expect(await renew(await tokenWith({ sub, can: ["publish"] }))).toBe("403 forbidden");
    expect(await renew(await tokenWith({ sub, jti: `new-${index}` }))).toBe("ok");
    expect(await room.api.ask("POST", "/revocations", { jti: `new-${index}` })).toEqual({ closed: 1 });
    await waitFor("the end", () => one.closed);
    expect(one.closed?.code).toBe(4507);
    expect(await renew(await tokenWith({ sub, jti: `new-${index}` }))).toBe("401 token_revoked");
    expect(await renew(await tokenWith({ sub }))).toBe("404 connection_not_found");
  }
});

test("H6 a connection at a relay ends with its token", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const now = Math.floor(Date.now() / 1000);
  const short = await room.join(await tokenWith({ room: room.id, iat: now - 100, exp: now + 5 }));
  expect(connectionOf(short)).toContain("~");
  await waitFor("its end", () => short.closed);
  expect(short.closed?.code).toBe(4002);
});

test("H5 a revocation counts the connections that it ends, at all objects, and applies at each of them", async () => {
  const token = await tokenWith({ sub: "ann" });
  using room = await SpreadRoom.create(runtime.url, {}, [token, await tokenWith({ sub: "bob" })]);
  const mine = room.subscribers.filter((_, index) => index % 2 === 0);
  expect(new Set(mine.map((one) => connectionOf(one).split("~").length)).size).toBe(2);
  expect(await room.api.ask("POST", "/revocations", { subject: "ann" })).toEqual({ closed: mine.length });
  await waitFor("the end of all of them", () => mine.every(({ closed }) => closed?.code === 4507));
  expect(room.subscribers.filter(({ closed }) => closed === undefined)).toHaveLength(
    room.subscribers.length - mine.length,
  );
  for (let attempt = 0; attempt < 5; attempt++) {
    expect(await outcome(room.join(token))).toContain("401");
  }
  const left = room.subscribers.filter(({ closed }) => closed === undefined).length;
  const issuedBefore = Math.floor(Date.now() / 1000) + 1;
  expect(await room.api.ask("POST", "/revocations", { issuedBefore })).toEqual({ closed: left });
});

test("H8 closing the room closes all connections at all objects, permanently", async () => {
  using room = await SpreadRoom.create(runtime.url);
  const { relays } = await room.api.describe();
  expect(await outcome(room.api.ask("DELETE", ""))).toBe("ok");
  await waitFor("the end of all of them", () => room.subscribers.every(({ closed }) => closed?.code === 4506));
  expect(relays.length).toBeGreaterThan(1);
  expect(await outcome(room.join())).toContain("410");
  expect(await outcome(room.api.describe())).toBe("410 room_closed");
});

test("H9 H10 settings hold at every object: public, and how many may come in all", async () => {
  using room = await SpreadRoom.create(runtime.url, { public: true, maxSubscribers: 9 });
  const strangers: RawSubscriber[] = [];
  for (let index = room.subscribers.length; index < 9; index++) strangers.push(await room.join(null));
  // A relay knows the total when it has been told.
  await waitFor("all to be told", () => room.subscribers.every((one) => lastOccupancy(one) === 9));
  const tooMany = await room.join(null);
  await waitFor("the refusal", () => tooMany.closed);
  expect(tooMany.closed?.code).toBe(4004);
  await room.api.ask("PATCH", "", { settings: { public: false, maxSubscribers: 12 } });
  await waitFor("their end", () => strangers.every(({ closed }) => closed?.code === 4507));
  expect(await outcome(room.join(null))).toContain("401");
  const again = await room.join();
  expect(again.closed).toBeUndefined();
});
