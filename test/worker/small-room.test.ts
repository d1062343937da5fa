// The cost of large rooms for a room with one object: nothing.
import { createExecutionContext, runInDurableObject, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../worker/index.ts";
import type { Room } from "../../worker/room-object.ts";
import { createRoom, frame, KEY, Peer, publish } from "./support/rooms.ts";

/** `namespace`, with its objects' calls recorded in `calls`. */
function watched<T extends object>(namespace: T, calls: string[]): T {
  return new Proxy(namespace, {
    get(target, method) {
      const found: unknown = Reflect.get(target, method);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => {
        const given: unknown = found.apply(target, args);
        return method === "getByName" || method === "get" ? watchedStub(given as object, calls) : given;
      };
    },
  });
}

function watchedStub(stub: object, calls: string[]): object {
  return new Proxy(stub, {
    get(target, method) {
      return (...args: unknown[]) => {
        calls.push(String(method));
        return Reflect.get(target, method).apply(target, args);
      };
    },
  });
}

const changesOf = (stub: DurableObjectStub<Room>) =>
  runInDurableObject(stub, (_, { storage }) =>
    Number(storage.sql.exec("SELECT total_changes() AS changes").one().changes),
  );

test("W1 an upgrade into a small room is one call of one object, each time, and writes no row", async () => {
  const { room, tokens, stub } = await createRoom();
  const [ofRooms, ofRelays]: [string[], string[]] = [[], []];
  const counted = { ...env, ROOM: watched(env.ROOM, ofRooms), RELAY: watched(env.RELAY, ofRelays) };
  const join = async (query: string) => {
    const context = createExecutionContext();
    const headers = {
      upgrade: "websocket",
      "sec-websocket-protocol": "roomcast.v1",
      authorization: `Bearer ${tokens.subscribe}`,
    };
    const request = new Request(`http://roomcast.test/rooms/${room}/ws?${query}`, { headers });
    const { webSocket } = await worker.fetch(request, counted as never, context);
    await waitOnExecutionContext(context);
    const peer = new Peer(webSocket as WebSocket);
    await peer.until("welcome", (one) => one.said("welcome")[0]);
    return peer;
  };
  // The first connection of a room writes its lease, and the time of the next check.
  await join("");
  const publisher = await publish(room, tokens.publish);
  const before = await changesOf(stub);
  ofRooms.length = 0;
  const peers = [];
  for (let index = 0; index < 20; index++) peers.push(await join(index % 2 === 0 ? "" : "start=live"));
  expect({ ofRooms, ofRelays }).toEqual({ ofRooms: Array.from({ length: 20 }, () => "fetch"), ofRelays: [] });
  publisher.frames(frame(0, 100, KEY));
  for (const peer of peers) await peer.until("the frame", ({ binary }) => binary.length > 0);
  expect(await changesOf(stub)).toBe(before);
  expect(await stub.describe({ subject: undefined, jti: null, issuedAt: 0, expiresAt: null })).toMatchObject({
    relays: [],
  });
  for (const peer of peers) peer.close();
});
