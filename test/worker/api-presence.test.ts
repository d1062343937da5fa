// Presence: which members are reported to whom, how often, and how many are named.
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { MAX_PRESENT_MEMBERS } from "../../protocol/limits.ts";
import { answered, api, createWith, idOf, tokenFor } from "./support/api.ts";
import { createRoom, join, type Peer, publish } from "./support/rooms.ts";

describe("presence", () => {
  test("M4 newcomers get the present members, the others get joins and leaves, gathered", async () => {
    const { room, tokens } = await createWith({ presence: true });
    const start = Date.now();
    const ann = await join(room, await tokenFor(room, { sub: "ann" }), "label=Ann%20%E2%98%83");
    const annId = await idOf(ann);
    const known = (peer: Peer) => {
      const members = new Map<string, Record<string, unknown>>();
      for (const { full, joined, left } of peer.said("presence")) {
        if (full) members.clear();
        for (const member of joined as { connection: string }[]) members.set(member.connection, member);
        for (const id of left as string[]) members.delete(id);
      }
      return [...members.values()];
    };
    await ann.until("herself", () => known(ann).length === 1);
    expect(known(ann)).toEqual([{ connection: annId, role: "subscribe", subject: "ann", label: "Ann ☃" }]);
    const crowd = [];
    for (let count = 0; count < 10; count++) crowd.push(await join(room, tokens.subscribe));
    const publisher = await publish(room, tokens.publish);
    await ann.until("all", () => known(ann).length === 12);
    expect(known(ann).at(-1)).toMatchObject({ role: "publish", subject: null, label: null });
    expect(ann.said("presence").length).toBeLessThanOrEqual(3 + (Date.now() - start) / 1000);
    for (const peer of crowd) peer.close();
    await ann.until("two", () => known(ann).length === 2);
    const late = await join(room, tokens.subscribe);
    await late.until("itself", () => known(late).length === 3);
    expect(publisher.said("presence").length).toBeGreaterThan(0);
  });

  test("M4 is off unless the room has it, begins for all when it is turned on, and survives sleep", async () => {
    const { room, tokens, stub } = await createRoom();
    const peer = await join(room, tokens.subscribe, "label=Me");
    await idOf(peer);
    expect(peer.said("presence")).toEqual([]);
    await answered(api("PATCH", room, "", tokens.admin, { settings: { presence: true } }), 200);
    const told = await peer.until("presence", () => peer.said("presence")[0]);
    expect(told).toMatchObject({ full: true, total: 1, joined: [{ label: "Me" }] });
    await evictDurableObject(stub);
    const second = await join(room, tokens.subscribe);
    expect(await second.until("presence", () => second.said("presence")[0])).toMatchObject({
      joined: [{ label: "Me" }],
    });
    await peer.until("the second", () => peer.said("presence").at(-1)?.total === 2);
  });

  test("M4 disturbing labels are refused, and only a limited number of members is named", async () => {
    const { room, tokens } = await createWith({ presence: true });
    for (const label of ["", "a\u0000b", "a\u202eb", "a\nb", "x".repeat(65)]) {
      const joining = join(room, tokens.subscribe, `label=${encodeURIComponent(label)}`);
      await expect(joining).rejects.toThrow("invalid_request");
    }
    for (let count = 0; count < MAX_PRESENT_MEMBERS + 5; count++) await join(room, tokens.subscribe);
    const last = await join(room, tokens.subscribe);
    const total = MAX_PRESENT_MEMBERS + 6;
    await last.until("the count", () => last.said("presence").at(-1)?.total === total);
    const named = last.said("presence").flatMap(({ joined }) => joined as { connection: string }[]);
    expect(new Set(named.map(({ connection }) => connection)).size).toBe(MAX_PRESENT_MEMBERS);
  });
});
