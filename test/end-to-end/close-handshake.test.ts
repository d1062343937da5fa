// R3: every Close is answered with a Close, for any client and any queue.
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Runtime } from "../../cli/runtime.ts";
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { createRoom, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { waitFor, within } from "../support/wait.ts";
import { type Seat, WireClient } from "../support/wire-client.ts";

const MIB = 1024 * 1024;
/** Without an answer, such a client would wait for this time and report 1006. */
const PATIENT = { closeTimeout: 30_000 };
const WELCOME = '"type":"welcome"';

let runtime: Runtime;
let room: TestRoom;
beforeAll(async () => {
  runtime = await startTestRuntime();
  room = await createRoom(runtime.url);
});
afterAll(() => runtime.close());

const KINDS = {
  "a framed subscriber": () => ({ token: room.tokens.subscribe }),
  "a plain subscriber": () => ({ token: room.tokens.subscribe, framed: false }),
  "a publisher": () => ({ token: room.tokens.publish, query: "role=publish" }),
} satisfies Record<string, () => Partial<Seat>>;

const seatOf = (kind: Partial<Seat>): Seat => ({ url: runtime.url, room: room.room, ...kind });

describe.each(Object.entries(KINDS))("%s", (_name, kind) => {
  test("R3 a Close is answered with its code, and the connection ends", async () => {
    for (const code of [1000, 1001, 1008, 1014, 3000, 4001, 4999]) {
      const client = await WireClient.open(seatOf(kind()));
      client.wire.sendClose(code);
      await waitFor(`the end after ${code}`, () => client.closes.length === 2);
      expect(client.closes).toEqual([code, 1006]);
    }
  });

  test("R3 a Close without a code, or with one that must not be sent, is answered without a code", async () => {
    for (const code of [undefined, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]) {
      const client = await WireClient.open(seatOf(kind()));
      client.wire.sendClose(code);
      await waitFor(`the end after ${code}`, () => client.closes.length === 2);
      expect(client.closes).toEqual([1005, 1006]);
    }
  });

  test("R3 a usual client ends cleanly, with the code that it gave", async () => {
    const { token, framed = true, query = "" }: Partial<Seat> = kind();
    const url = `${runtime.url.replace("http", "ws")}/rooms/${room.room}/ws?${query}`;
    const headers = { authorization: `Bearer ${token}` };
    for (const code of [1000, 4321, undefined]) {
      const socket = new WebSocket(url, framed ? ["roomcast.v1"] : [], { headers, ...PATIENT });
      await once(socket, "open");
      socket.close(code);
      const [got] = await within("the end", once(socket, "close"), 10_000);
      expect(got).toBe(code ?? 1005);
    }
  });
});

test("R3 the answer comes behind the data that waits", async () => {
  const publisher = await WireClient.open(seatOf(KINDS["a publisher"]()));
  const [subscriber, stalled] = await Promise.all([
    WireClient.open(seatOf(KINDS["a framed subscriber"]())),
    WireClient.open(seatOf(KINDS["a framed subscriber"]())),
  ]);
  await waitFor("the publisher to be accepted", () => publisher.texts.some((text) => text.includes('"publish"')));
  await waitFor("the welcome", () => stalled.texts.some((text) => text.includes(WELCOME)));
  stalled.wire.stall();
  const sizeOf = (sequence: number) => ({
    ...{ type: FrameType.frame, track: 0, sequence, timestamp: 0 },
    ...{ flags: sequence === 0 ? Flag.key : 0, payload: new Uint8Array(MIB) },
  });
  for (let sequence = 0; sequence < 6; sequence++) {
    publisher.wire.sendBinary(encodeMessage([sizeOf(sequence)]));
    await waitFor("the frame", () => subscriber.bytes > (sequence + 1) * MIB);
  }
  stalled.wire.sendClose(1000);
  // The room has noticed it when its count is one less.
  await waitFor("the room to see it", () => subscriber.texts.at(-1)?.includes('"subscribers":1'));
  stalled.wire.resume();
  await waitFor("the end", () => stalled.closes.length === 2);
  expect(stalled.closes).toEqual([1000, 1006]);
  expect(stalled.order.lastIndexOf("data")).toBeLessThan(stalled.order.indexOf("close"));
  expect(stalled.bytes).toBeGreaterThan(4 * MIB);
  for (const { wire } of [publisher, subscriber]) wire.destroy();
});

test("R3 a connection that the room has given up is answered too, with the room's own code", async () => {
  const client = await WireClient.open(seatOf(KINDS["a framed subscriber"]()));
  client.wire.sendText("no json");
  await waitFor("the room's Close", () => client.closes.length > 0);
  client.wire.sendClose(1000);
  await waitFor("the end", () => client.closes.length === 2);
  expect(client.closes).toEqual([4501, 1006]);
});
