// What survives when the object leaves memory: connections, positions, and correct reports of missing frames.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { FrameType, readMessage } from "../../protocol/frame.ts";
import type { Room } from "../../worker/room-object.ts";
import { createRoom, frame, INIT, join, KEY, publish, request } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

const sequences = (messages: readonly Uint8Array[]) =>
  messages.flatMap((message) =>
    readMessage(message)
      .filter(({ type }) => type === 1)
      .map(({ sequence }) => sequence),
  );

test("S2 subscribers stay connected while the room sleeps and get the next frames with continuing sequence", async () => {
  const { room, tokens, stub } = await createRoom();
  const framed = await join(room, tokens.subscribe);
  const plain = await join(room, tokens.subscribe, "", true);
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, INIT), frame(1, 100, KEY), frame(2, 100));
  await framed.until("three frames", (peer) => sequences(peer.binary).length === 3);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  publisher.frames(frame(3, 100), frame(4, 100, KEY));
  await framed.until("five frames", (peer) => sequences(peer.binary).length === 5);
  expect(sequences(framed.binary)).toEqual([0, 1, 2, 3, 4]);
  expect(framed.said("gap")).toEqual([]);
  expect(framed.said("track")).toHaveLength(1);
  await plain.until("five payloads", (peer) => peer.binary.reduce((sum, bytes) => sum + bytes.byteLength, 0) === 500);
  expect([framed.closed, plain.closed]).toEqual([undefined, undefined]);
});

test("P6 after sleep the room asks for the init again and serves newcomers with it", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 50, INIT), frame(1, 100, KEY));
  await publisher.acknowledged(2);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  publisher.frames(frame(2, 100, KEY));
  await publisher.until("init", () => publisher.said("init").length === 1);
  publisher.frames({ ...frame(0, 50), type: FrameType.init });
  publisher.frames(frame(3, 100));
  await publisher.acknowledged(4);
  const late = await join(room, tokens.subscribe);
  await late.until("init, key and frame", (peer) => sequences(peer.binary).length === 2);
  expect(late.binary.flatMap((message) => readMessage(message).map(({ type, sequence }) => [type, sequence]))).toEqual([
    [2, 0],
    [1, 2],
    [1, 3],
  ]);
});

test("S4 a resume into a room that lost its memory gets exactly the missing frames as a gap", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 100), frame(2, 100), frame(3, 100));
  const epoch = publisher.said("publish")[0]?.epoch;
  await publisher.acknowledged(4);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  const late = await join(room, tokens.subscribe, `start=${epoch}.2`);
  publisher.frames(frame(4, 100), frame(5, 100, KEY));
  await late.until("frame 5", (peer) => sequences(peer.binary).includes(5));
  expect(late.said("gap")).toEqual([{ type: "gap", name: "main", epoch, from: 2, to: 4, reason: "history" }]);
  expect(sequences(late.binary)).toEqual([5]);
});

test("P2 a room that died continues in the publisher's epoch, and subscribers lose only frames that are reported", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  const before = await join(room, tokens.subscribe);
  publisher.frames(frame(0, 100, KEY), frame(1, 100), frame(2, 100));
  await before.until("three frames", (peer) => sequences(peer.binary).length === 3);
  const epoch = String(publisher.said("publish")[0]?.epoch);
  await runInDurableObject(stub, (_instance: Room, state) => state.abort("test")).catch(() => undefined);
  await before.until("close", (peer) => peer.closed);
  const again = env.ROOM.getByName(room);
  expect(again.id.equals(stub.id)).toBe(true);
  const subscriber = await join(room, tokens.subscribe, `start=main:${epoch}.3`);
  const back = await publish(room, tokens.publish, `resume=${epoch}.2&unacknowledged=1`);
  expect(back.said("publish")[0]).toMatchObject({ epoch, sequence: 2 });
  back.frames(frame(2, 100), frame(3, 100), frame(4, 100));
  await subscriber.until("frames 3 and 4", (peer) => sequences(peer.binary).length === 2);
  expect(sequences(subscriber.binary)).toEqual([3, 4]);
  expect(subscriber.said("gap")).toEqual([]);
});

test("P5 P2 after sleep a resume replaces its publisher only if it says that nothing is unacknowledged", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 100));
  await publisher.acknowledged(2);
  const epoch = String(publisher.said("publish")[0]?.epoch);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  for (const query of [`resume=${epoch}.1&unacknowledged=1`, `resume=${epoch}.2`]) {
    const refused = await join(room, tokens.publish, `role=publish&${query}`);
    expect(await refused.until("close", (peer) => peer.closed)).toMatchObject({ code: 4003 });
  }
  expect(publisher.closed).toBeUndefined();
  const back = await publish(room, tokens.publish, `resume=${epoch}.2&unacknowledged=0`);
  expect(back.said("publish")[0]).toMatchObject({ epoch, sequence: 2 });
  expect(await publisher.until("close", (peer) => peer.closed)).toMatchObject({ code: 4509 });

  // A publisher that does not give its unacknowledged frames may have sent any number.
  await evictDurableObject(stub, { webSockets: "hibernate" });
  const unsure = await publish(room, tokens.publish, `resume=${epoch}.2&takeover=1`);
  expect(unsure.said("publish")[0]?.epoch).not.toBe(epoch);
});

test("P11 S9 the format of a track survives sleep", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish, "format=text/plain");
  publisher.frames(frame(0, 100, KEY));
  publisher.send({ type: "format", format: "application/x-ndjson" });
  await publisher.acknowledged(1);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  publisher.frames(frame(1, 100, KEY));
  await publisher.acknowledged(2);
  const late = await join(room, tokens.subscribe);
  expect(await late.until("track", (peer) => peer.said("track")[0])).toMatchObject({ format: "application/x-ndjson" });
  const answer = await request(`/api/rooms/${room}`, { headers: { authorization: `Bearer ${tokens.subscribe}` } });
  expect(await answer.json()).toMatchObject({ tracks: [{ name: "main", format: "application/x-ndjson" }] });
});

test("no row is written while streaming", async () => {
  const { room, tokens, stub } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  const subscriber = await join(room, tokens.subscribe);
  const written = () =>
    runInDurableObject(stub, (_instance: Room, state) => {
      const cursor = state.storage.sql.exec("SELECT 1");
      cursor.toArray();
      return { size: state.storage.sql.databaseSize, rows: totalChanges(state) };
    });
  // Ten seconds on the room's clock.
  const start = Date.now();
  const send = async (sequence: number) => {
    vi.useFakeTimers({ toFake: ["Date"], now: start + sequence * 20 });
    publisher.frames(frame(sequence, 1000, sequence % 30 === 0 ? KEY : 0));
    await subscriber.until("the frame", ({ binary }) => sequences(binary.slice(-1))[0] === sequence);
  };
  await send(0);
  const before = await written();
  for (let sequence = 1; sequence <= 500; sequence++) await send(sequence);
  expect(await written()).toEqual(before);
});

/** Rows inserted, changed or deleted on this connection to the database since it was opened. */
function totalChanges(state: DurableObjectState): number {
  return Number(state.storage.sql.exec("SELECT total_changes() AS changes").one().changes);
}
