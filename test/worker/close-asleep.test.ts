// R3 for a sleeping room: a Close wakes it and is answered.
import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { createRoom, join, publish } from "./support/rooms.ts";

test("R3 a Close that comes while the room sleeps is answered with its code", async () => {
  const { room, tokens, stub } = await createRoom();
  const framed = await join(room, tokens.subscribe);
  const plain = await join(room, tokens.subscribe, "", true);
  const publisher = await publish(room, tokens.publish);
  for (const [peer, code] of [
    [framed, 1000],
    [plain, 4321],
    [publisher, 3000],
  ] as const) {
    await evictDurableObject(stub, { webSockets: "hibernate" });
    peer.close(code);
    const { code: answer } = await peer.until("an answer", ({ closed }) => closed);
    expect(answer).toBe(code);
  }
});
