// A room in a cluster of bare workerd: its object may be requested by number, and missing configuration is null.
import {
  createExecutionContext,
  evictDurableObject,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../worker/index.ts";
import type { Room } from "../../worker/room-object.ts";
import { tokenFor } from "./support/api.ts";
import { createRoom, frame, join, KEY, publish } from "./support/rooms.ts";

/** The object by its number alone, as a peer requests it. */
const nameless = (room: string) =>
  env.ROOM.get(env.ROOM.idFromString(env.ROOM.idFromName(room).toString())) as DurableObjectStub<Room>;

const ADMIN = { subject: undefined, jti: null, issuedAt: 0, expiresAt: null };

test("a room that is reached by number alone, or woken by a socket, says the id that it was created with", async () => {
  const room = `by-number-${crypto.randomUUID().slice(0, 8)}`;
  const stub = nameless(room);
  expect(await stub.create(room, {})).toBeUndefined();
  expect(await stub.describe(ADMIN)).toMatchObject({ room, awakeSince: expect.toSatisfy((at) => at > 0) });
  const publisher = await publish(room, await tokenFor(room, { can: ["publish"] }));
  for (const webSockets of ["hibernate", "close"] as const) {
    await evictDurableObject(stub, { webSockets });
    if (webSockets === "hibernate") publisher.frames(frame(0, 10, KEY));
    expect(await stub.describe(ADMIN)).toMatchObject({ room });
  }
  const subscriber = await join(room, await tokenFor(room));
  expect(await subscriber.until("welcome", (peer) => peer.said("welcome")[0])).toMatchObject({ room });
});

test("a room whose row is from before it had an id is called as the platform calls it", async () => {
  const { room, stub } = await createRoom();
  await runInDurableObject(stub, (_, { storage }) => storage.kv.put("room", { v: 1, createdAt: 1, settings: {} }));
  await evictDurableObject(stub, { webSockets: "close" });
  expect(await stub.describe(ADMIN)).toMatchObject({ room });
});

test("bindings and vars that are null are not set", async () => {
  const names = ["CREATIONS", "TICKETS", "UPGRADES", "STORAGE_PROBE", "ALLOWED_ORIGINS", "TOKEN_SECRET_PREVIOUS"];
  const unset = Object.fromEntries([...names, "MAX_SUBSCRIBERS", "LIMITS", "INGEST_URL"].map((name) => [name, null]));
  const context = createExecutionContext();
  const headers = { "cf-connecting-ip": "203.0.113.7" };
  const request = new Request("http://roomcast.test/api/rooms", { method: "POST", body: "{}", headers });
  const response = await worker.fetch(request, { ...env, ...unset } as never, context);
  await waitOnExecutionContext(context);
  expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 201 });
});
