// Messages are not compressed, whatever clients offer: encoded media does not get smaller, and the room would pay for
// it.
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startRoomcast } from "../../bench/targets/roomcast.ts";
import type { Runtime } from "../../cli/runtime.ts";
import { createRoom, startTestRuntime } from "../support/local-room.ts";
import { WireClient } from "../support/wire-client.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await startTestRuntime();
});
afterAll(() => runtime.close());

test.each([true, false])("the local runtime refuses compression, framed: %s", async (framed) => {
  const { room, tokens } = await createRoom(runtime.url);
  // It offers compression like browsers, and throws if the offer is accepted.
  const client = await WireClient.open({ url: runtime.url, room, token: tokens.subscribe, framed });
  client.wire.destroy();
  const protocols = framed ? ["roomcast.v1"] : [];
  const headers = { authorization: `Bearer ${tokens.subscribe}` };
  const socket = new WebSocket(`${runtime.url.replace("http", "ws")}/rooms/${room}/ws`, protocols, {
    ...{ headers, perMessageDeflate: true },
  });
  await once(socket, "open");
  expect(socket.extensions).toBe("");
  socket.terminate();
});

test("bare workerd refuses compression", async () => {
  await using target = await startRoomcast("framed");
  const { url, room, subscribeToken: token } = target;
  const client = await WireClient.open({ url, room, token });
  client.wire.destroy();
});
