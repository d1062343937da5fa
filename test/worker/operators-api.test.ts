// The operators' API without its bindings, its access control, and the cost of a room, from inside workerd.
import { expect, test } from "vitest";
import { roomAnswer } from "../../worker/schemas.ts";
import { answered, api, outcome, SECRET, tokenFor } from "./support/api.ts";
import { createRoom, frame, join, KEY, publish, request } from "./support/rooms.ts";

const ROUTES = ["/api/rooms", "/api/usage", "/api/samples", "/api/deliveries", "/metrics"];
const withKey = (path: string, method = "GET", bearer = SECRET) =>
  outcome(request(path, { method, headers: { authorization: `Bearer ${bearer}` } }));

test("E5 the operator's key opens the operators' API, and nothing else does", async () => {
  for (const path of ROUTES) {
    expect(await outcome(request(path))).toBe("401 unauthorized");
    expect(await withKey(path, "GET", await tokenFor("*", { can: ["admin"] }))).toBe("401 unauthorized");
    expect(await withKey(path, "GET", `${SECRET}x`)).toBe("401 unauthorized");
    expect(await withKey(`${path}?token=${SECRET}`)).toBe("400 invalid_request");
  }
  expect(await withKey("/api/deliveries/x", "POST", "wrong")).toBe("401 unauthorized");
});

test("E5 a Worker without an index says so", async () => {
  for (const path of ROUTES) expect(await withKey(path)).toBe("501 not_enabled");
  const { room, tokens } = await createRoom();
  expect(await outcome(api("GET", room, "/webhook", tokens.admin))).toBe("501 not_enabled");
  expect(await outcome(api("GET", room, "/webhook", tokens.subscribe))).toBe("403 forbidden");
  expect(await outcome(api("PUT", room, "/webhook", tokens.admin, { url: "https://a.example/" }))).toBe(
    "501 not_enabled",
  );
});

test("E4 a webhook to a private address is refused when it is set", async () => {
  const { room, tokens } = await createRoom();
  for (const url of [
    "http://a.example/",
    "https://127.0.0.1/",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://localhost/",
  ]) {
    expect(await outcome(api("PUT", room, "/webhook", tokens.admin, { url }))).toBe("400 invalid_request");
  }
});

test("E6 a room reports its cost to its admins, and to nobody else", async () => {
  const { room, tokens } = await createRoom();
  const publisher = await publish(room, tokens.publish);
  await join(room, tokens.subscribe);
  for (let sequence = 0; sequence < 100; sequence++) publisher.frames(frame(sequence, 1000, sequence === 0 ? KEY : 0));
  await publisher.acknowledged(100);
  const { cost } = await answered<{ cost: { usage: Record<string, number>; total: number } }>(
    api("GET", room, "", tokens.admin),
    200,
  );
  // One hundred messages with frames, and those that asked for acks.
  expect(cost.usage.messages).toBeGreaterThanOrEqual(101);
  expect(cost.usage.messages).toBeLessThan(111);
  // Creation, two joins, this request.
  expect(cost.usage.requests).toBe(4);
  expect(cost.total).toBeGreaterThan(0);
  expect(roomAnswer.safeParse(await answered(api("GET", room, "", tokens.admin), 200)).error).toBeUndefined();
  expect(await answered(api("GET", room, "", tokens.subscribe), 200)).not.toHaveProperty("cost");
});
