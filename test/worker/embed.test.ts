// Pages of other sites: which may show a room in a frame, and what they may load.
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { MAX_EMBED_ORIGINS } from "../../protocol/limits.ts";
import { app } from "../../worker/routes.ts";
import { answered, api, createWith, outcome } from "./support/api.ts";
import { createRoom, request } from "./support/rooms.ts";

const ORIGINS = ["https://app.example", "http://127.0.0.1:8080", "https://*.shop.example"];

async function ancestorsOf(path: string): Promise<string | undefined> {
  const page = await request(path);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  return /; frame-ancestors ([^;]+)$/.exec(page.headers.get("content-security-policy") ?? "")?.[1];
}

describe("frames", () => {
  test("H21 the origins that the room's settings name may show its player, at once, and no other page of it", async () => {
    const { room, tokens } = await createWith({ embedOrigins: ORIGINS });
    expect(await ancestorsOf(`/rooms/${room}/embed`)).toBe(ORIGINS.join(" "));
    expect(await ancestorsOf(`/rooms/${room}`)).toBe("'none'");
    expect(await ancestorsOf("/")).toBe("'none'");
    await answered(api("PATCH", room, "", tokens.admin, { settings: { embedOrigins: ["*"] } }), 200);
    expect(await ancestorsOf(`/rooms/${room}/embed`)).toBe("*");
  });

  test("H21 H2 without that setting no page may, and neither without a room, or after its end", async () => {
    const { room } = await createRoom();
    const closed = await createWith({ embedOrigins: ORIGINS });
    expect(await outcome(api("DELETE", closed.room, "", closed.tokens.admin))).toBe("204");
    for (const name of [room, closed.room, "never-created"]) {
      expect(await ancestorsOf(`/rooms/${name}/embed`)).toBe("'none'");
    }
    expect(await outcome(request("/rooms/-/embed"))).toBe("404 not_found");
  });

  test("H21 H12 an invalid origin is refused: nothing else gets into the header", async () => {
    const { room, tokens } = await createRoom();
    const many = Array.from({ length: MAX_EMBED_ORIGINS + 1 }, (_, index) => `https://a${index}.example`);
    for (const embedOrigins of [
      ["https://app.example/"],
      ["https://app.example/path"],
      ["https://app.example; script-src *"],
      ["https://a.example https://b.example"],
      ["app.example"],
      ["null"],
      ["ftp://app.example"],
      ["'self'"],
      [`https://${"a.".repeat(130)}example`],
      many,
      "*",
    ]) {
      expect(await outcome(api("PATCH", room, "", tokens.admin, { settings: { embedOrigins } }))).toBe(
        "400 invalid_request",
      );
    }
  });

  test("H21 H11 they are counted by address, before the room is asked", async () => {
    const limiter = { limit: async () => ({ success: false }) };
    const broken = { getByName: () => expect.fail("the room was asked") };
    const headers = { "cf-connecting-ip": "192.0.2.1" };
    const request = new Request("http://roomcast.test/rooms/demo/embed", { headers });
    expect(await outcome(await app.fetch(request, { ...env, EMBEDS: limiter, ROOM: broken }))).toBe(
      "429 too_many_requests",
    );
  });
});

test("H21 the player is a module for pages of any origin, and its parts are too", async () => {
  const player = await request("/roomcast-player.js");
  const script = await player.text();
  expect(player.status).toBe(200);
  const part = await request(`/player/${/player\/([\w-]+\.js)/.exec(script)?.[1]}`);
  for (const { headers } of [player, part]) {
    expect(headers.get("content-type")).toMatch(/javascript/);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
  expect(part.headers.get("cache-control")).toContain("immutable");
  expect((await request("/player/none.js")).headers.get("cache-control") ?? "").not.toContain("immutable");
});
