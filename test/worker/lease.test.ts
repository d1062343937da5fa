// The idle lease and stored attachments on the real runtime: rooms that are killed, woken, refused and never visited
// again.
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { Room } from "../../worker/room-object.ts";
import { api, createWith, ended, knock, outcome } from "./support/api.ts";
import { createRoom, join } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

/** Sets the clock to this number of seconds after `start`. */
const setClock = (start: number, seconds: number) =>
  vi.useFakeTimers({ toFake: ["Date"], now: start + seconds * 1000 });

async function used() {
  const { room, tokens } = await createWith({ idleExpirySeconds: 600 });
  const start = Date.now();
  const peer = await join(room, tokens.subscribe);
  await peer.until("welcome", ({ text }) => text[0]);
  return { room, tokens, start };
}

test("H15 a room in use that was killed is not closed by a refused request, however late it comes", async () => {
  const { room, tokens, start } = await used();
  await abortAllDurableObjects();
  setClock(start, 5000);
  expect(await outcome(knock(room, "role=publish", { authorization: `Bearer ${tokens.subscribe}` }))).toBe(
    "403 forbidden",
  );
  expect(await outcome(knock(room, ""))).toBe("401 unauthorized");
  expect(await outcome(api("GET", room, "", tokens.admin))).toBe("200");
});

test("H15 a room that was killed in use, and that nobody visits, ends by its alarms alone", async () => {
  const { room, tokens, start } = await used();
  await abortAllDurableObjects();
  setClock(start, 151);
  expect(await runDurableObjectAlarm(env.ROOM.getByName(room))).toBe(true);
  await abortAllDurableObjects();
  setClock(start, 740);
  await runDurableObjectAlarm(env.ROOM.getByName(room));
  expect(await outcome(api("GET", room, "", tokens.admin))).toBe("200");
  setClock(start, 752);
  expect(await runDurableObjectAlarm(env.ROOM.getByName(room))).toBe(true);
  expect(await outcome(api("GET", room, "", tokens.admin))).toBe("410 room_closed");
});

test("H15 refused requests do not keep an idle room", async () => {
  const { room, tokens } = await createWith({ idleExpirySeconds: 600 });
  const start = Date.now();
  const stub = env.ROOM.getByName(room);
  setClock(start, 590);
  await evictDurableObject(stub);
  expect(await outcome(knock(room, ""))).toBe("401 unauthorized");
  setClock(start, 601);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await outcome(api("GET", room, "", tokens.admin))).toBe("410 room_closed");
});

test("S2 an attachment that nobody can read costs its connection, and one without a version is read", async () => {
  const { room, tokens, stub } = await createRoom();
  const [broken, later, old] = await Promise.all([1, 2, 3].map(() => join(room, tokens.subscribe)));
  if (!broken || !later || !old) throw new Error("not joined");
  const ids: string[] = [];
  for (const peer of [broken, later, old]) {
    ids.push(await peer.until("welcome", ({ text }) => text[0]?.connection as string | undefined));
  }
  await runInDurableObject(stub, (_room: Room, state) => {
    const [first, second, third] = ids.map((id) => state.getWebSockets(id)[0]);
    first?.serializeAttachment({ role: "subscriber", cursors: "?" });
    second?.serializeAttachment({ ...second.deserializeAttachment(), v: 99 });
    const { v: _, ...unnumbered } = third?.deserializeAttachment() ?? {};
    third?.serializeAttachment(unnumbered);
  });
  await evictDurableObject(stub, { webSockets: "hibernate" });
  expect(await outcome(api("GET", room, "", tokens.admin))).toBe("200");
  expect(await ended(broken)).toMatchObject({ code: 4000 });
  expect(await ended(later)).toMatchObject({ code: 4000 });
  expect(old.closed).toBeUndefined();
});
