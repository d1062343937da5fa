// The operator's configuration: secrets and their rotation, room creation, origins, and rate limits.
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "../../worker/routes.ts";
import { answered, api, outcome, SECRET, stopClock, tokenFor } from "./support/api.ts";
import { createRoom, type Tokens } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

const NEW_SECRET = "new-secret-new-secret-new-secret-new-0002";
const asked = (vars: object, init: RequestInit = {}, path = "/api/health") =>
  app.fetch(new Request(`http://roomcast.test${path}`, init), { ...env, ...vars });

test("H16 without secrets, or with short ones, nothing is served, and one message says what to do", async () => {
  const faults: [object, string[]][] = [
    [{ TOKEN_SECRET: undefined }, ["TOKEN_SECRET is not set"]],
    [{ TOKEN_SECRET: "short" }, ["TOKEN_SECRET is shorter than 32"]],
    [{ TOKEN_SECRET_PREVIOUS: "short" }, ["TOKEN_SECRET_PREVIOUS is shorter"]],
    [{ OPERATOR_KEY: "short" }, ["OPERATOR_KEY is shorter"]],
    [
      { OPERATOR_KEY: undefined, ROOM_CREATION: "key", TOKEN_SECRET: "" },
      ["OPERATOR_KEY is not set", "TOKEN_SECRET is not set"],
    ],
    [{ ROOM_CREATION: "maybe" }, ["ROOM_CREATION"]],
    [{ MAX_SUBSCRIBERS: "many" }, ["MAX_SUBSCRIBERS"]],
    [{ ALLOWED_ORIGINS: "https://a.example/path" }, ["ALLOWED_ORIGINS"]],
  ];
  for (const [vars, texts] of faults) {
    for (const path of ["/api/health", "/api/rooms/x", "/rooms/x/ws", "/rooms/x", "/"]) {
      const response = await asked(vars, {}, path);
      const { code, detail } = (await response.json()) as { code: string; detail: string };
      expect({ status: response.status, code }).toEqual({ status: 503, code: "not_configured" });
      for (const text of texts) expect(detail).toContain(text);
      expect(detail).not.toContain("short-");
    }
  }
  const { detail } = (await (await asked({ TOKEN_SECRET: "" })).json()) as { detail: string };
  expect(detail).toContain("npx wrangler secret put TOKEN_SECRET");
});

test("H1 tokens of the previous secret work until it is removed", async () => {
  const { room, tokens } = await createRoom();
  const read = async (vars: object) =>
    outcome(await asked(vars, { headers: { authorization: `Bearer ${tokens.subscribe}` } }, `/api/rooms/${room}`));
  expect(await read({})).toBe("200");
  expect(await read({ TOKEN_SECRET: NEW_SECRET, TOKEN_SECRET_PREVIOUS: SECRET })).toBe("200");
  expect(await read({ TOKEN_SECRET: NEW_SECRET })).toBe("401 unauthorized");
  const rotated = { TOKEN_SECRET: NEW_SECRET, TOKEN_SECRET_PREVIOUS: SECRET };
  const created = await asked(rotated, { method: "POST", body: "{}" }, "/api/rooms");
  const fresh = (await created.json()) as { room: string; tokens: Tokens };
  const headers = { authorization: `Bearer ${fresh.tokens.admin}` };
  expect(await outcome(await asked({ TOKEN_SECRET: NEW_SECRET }, { headers }, `/api/rooms/${fresh.room}`))).toBe("200");
  expect(await outcome(await asked({}, { headers }, `/api/rooms/${fresh.room}`))).toBe("401 unauthorized");
});

test("H2 where creation is not open it needs the operator's key, and no token will do", async () => {
  const create = async (bearer?: string) => {
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    return outcome(await asked({ ROOM_CREATION: "key" }, { method: "POST", body: "{}", headers }, "/api/rooms"));
  };
  const { tokens } = await createRoom();
  for (const bearer of [undefined, tokens.admin, "x", `${SECRET}x`])
    expect(await create(bearer)).toBe("401 unauthorized");
  expect(await create(SECRET)).toBe("201");
});

test("H2 with open creation, an invalid credential is still refused", async () => {
  const create = async (authorization?: string) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    return outcome(await asked({ ROOM_CREATION: "open" }, { method: "POST", body: "{}", headers }, "/api/rooms"));
  };
  expect(await create(`Bearer ${SECRET}x`)).toBe("401 unauthorized");
  expect(await create("Basic x")).toBe("401 unauthorized");
  expect([await create(), await create(`Bearer ${SECRET}`)]).toEqual(["201", "201"]);
});

test("a room shows the address for producers only if it is set", async () => {
  const ingest = async (INGEST_URL: string | undefined) => {
    const answer = await asked({ INGEST_URL }, { method: "POST", body: "{}" }, "/api/rooms");
    return ((await answer.json()) as { links: { ingest: string | null } }).links.ingest;
  };
  expect([await ingest(""), await ingest(undefined), await ingest("tcp://in.example:9000")]).toEqual([
    null,
    null,
    "tcp://in.example:9000",
  ]);
});

test("H13 pages of other origins than those listed are refused, programs are not", async () => {
  const { room, tokens } = await createRoom();
  const vars = { ALLOWED_ORIGINS: "https://app.example, https://b.example" };
  const from = async (origin: string | undefined, path: string, more = {}) => {
    const headers: Record<string, string> = { authorization: `Bearer ${tokens.subscribe}`, ...more };
    if (origin !== undefined) headers.origin = origin;
    return asked(vars, { headers }, path);
  };
  const upgrade = { upgrade: "websocket", "sec-websocket-protocol": "roomcast.v1" };
  for (const [origin, api, socket] of [
    [undefined, "200", "101"],
    ["https://app.example", "200", "101"],
    ["http://roomcast.test", "200", "101"],
    ["https://evil.example", "403 origin_not_allowed", "403 origin_not_allowed"],
    ["https://app.example.evil.example", "403 origin_not_allowed", "403 origin_not_allowed"],
    ["null", "403 origin_not_allowed", "403 origin_not_allowed"],
  ] as const) {
    expect(await outcome(await from(origin, `/api/rooms/${room}`))).toBe(api);
    expect(await outcome(await from(origin, `/rooms/${room}/ws`, upgrade))).toBe(socket);
  }
  const allowed = await from("https://app.example", `/api/rooms/${room}`);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
  const refused = await from("https://evil.example", `/api/rooms/${room}`);
  expect(refused.headers.get("access-control-allow-origin"), "its page may read why").toBe("https://evil.example");
});

test("H11 creations and tickets are counted by address before the room is touched, but not those of this machine", async () => {
  const { room, tokens } = await createRoom();
  const keys: string[] = [];
  const limiter = { limit: async ({ key }: { key: string }) => ({ success: keys.push(key) <= 2 }) };
  const vars = { CREATIONS: limiter, TICKETS: limiter };
  const attempt = async (method: string, path: string, address: string) => {
    const bearer = path === "/api/rooms" ? SECRET : tokens.subscribe;
    keys.length = 0;
    const outcomes = [];
    for (let count = 0; count < 3; count++) {
      const headers = { authorization: `Bearer ${bearer}`, "cf-connecting-ip": address };
      outcomes.push(await outcome(await asked(vars, { method, headers, body: "{}" }, path)));
    }
    return outcomes;
  };
  const limited = "429 too_many_requests";
  expect(await attempt("POST", "/api/rooms", "192.0.2.1")).toEqual(["201", "201", limited]);
  expect(await attempt("POST", `/api/rooms/${room}/tickets`, "192.0.2.1")).toEqual(["201", "201", limited]);
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
    expect(await attempt("POST", "/api/rooms", address)).toEqual(["201", "201", "201"]);
    expect(keys).toEqual([]);
  }
});

describe("H11 upgrades", () => {
  /** Tries to join a room, with a limiter that allows two attempts of each key and records them. */
  async function door() {
    const { room, tokens } = await createRoom();
    const counted = new Map<string, number>();
    const limiter = {
      limit: async ({ key }: { key: string }) => {
        counted.set(key, (counted.get(key) ?? 0) + 1);
        return { success: (counted.get(key) ?? 0) <= 2 };
      },
    };
    const ask = (address: string, token = tokens.subscribe, query = "", vars = {}) => {
      const authorization = `Bearer ${token}`;
      const upgrade = { upgrade: "websocket", "sec-websocket-protocol": "roomcast.v1" };
      const headers = { ...upgrade, authorization, "cf-connecting-ip": address };
      return asked({ UPGRADES: limiter, ...vars }, { headers }, `/rooms/${room}/ws?${query}`);
    };
    const attempt = async (...args: Parameters<typeof ask>) => outcome(await ask(...args));
    return { room, tokens, counted, ask, attempt };
  }

  test("H11 an office behind one address joins as often as it likes", async () => {
    const { counted, attempt } = await door();
    for (let count = 0; count < 20; count++) expect(await attempt("192.0.2.10")).toBe("101");
    expect(counted.size).toBe(0);
  });

  test("H11 all refusals are counted; after too many, the address is refused until Retry-After has passed", async () => {
    const { room, tokens, counted, ask, attempt } = await door();
    stopClock();
    expect(await attempt("192.0.2.20", "bad")).toBe("401 unauthorized");
    expect(await attempt("192.0.2.20")).toBe("101");
    expect(await attempt("192.0.2.20", tokens.publish)).toBe("403 forbidden");
    await answered(api("POST", room, "/revocations", tokens.admin, { jti: "gone" }), 201);
    const third = await ask("192.0.2.20", await tokenFor(room, { jti: "gone" }));
    expect([third.status, third.headers.get("retry-after")]).toEqual([429, "10"]);
    const untouched = { ROOM: { getByName: () => expect.fail("the room was touched") } };
    for (const token of ["bad", tokens.subscribe])
      expect(await attempt("192.0.2.20", token, "", untouched)).toBe("429 too_many_requests");
    expect([...counted]).toEqual([["192.0.2.20", 3]]);
    expect(await attempt("192.0.2.21")).toBe("101");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 });
    expect(await attempt("192.0.2.20")).toBe("101");
    expect(await attempt("192.0.2.20", "bad")).toBe("429 too_many_requests");
    expect(await attempt("192.0.2.20")).toBe("429 too_many_requests");
  });

  test("H11 an IPv6 client is its /64, this machine is not limited, and passing errors are nobody's refusals", async () => {
    const { counted, attempt } = await door();
    expect(await attempt("2001:db8:0:7::1", "bad")).toBe("401 unauthorized");
    expect(await attempt("2001:db8:0:7:1:2:3:4", "bad")).toBe("401 unauthorized");
    expect([...counted]).toEqual([["2001:db8:0:7", 2]]);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      for (let count = 0; count < 4; count++) expect(await attempt(address, "bad")).toBe("401 unauthorized");
    }
    const getByName = () => {
      throw Object.assign(new Error("the object was reset"), { retryable: true });
    };
    for (let count = 0; count < 4; count++)
      expect(await attempt("192.0.2.30", undefined, "", { ROOM: { getByName } })).toBe("503 room_unavailable");
    expect(counted.size).toBe(1);
  });
});

test("H11 the limiter of wrangler.toml is there and counts", async () => {
  const { CREATIONS } = env as unknown as { CREATIONS: RateLimit };
  const key = crypto.randomUUID();
  // It allows 60 in each minute of the clock, and one minute may end meanwhile.
  let allowed = 0;
  while (allowed < 200 && (await CREATIONS.limit({ key })).success) allowed++;
  expect(allowed).toBeGreaterThanOrEqual(60);
  expect(allowed).toBeLessThanOrEqual(120);
});

test.each(["retryable", "overloaded"])(
  "H18 an error of the platform that is %s passes: try again",
  async (property) => {
    const getByName = () => {
      throw Object.assign(new Error("the object was reset"), { [property]: true });
    };
    const headers = { authorization: `Bearer ${await tokenFor("x")}`, upgrade: "websocket" };
    for (const path of ["/api/rooms/x", "/rooms/x/ws?role=subscribe"]) {
      const response = await asked({ ROOM: { getByName } }, { headers }, path);
      expect(response.headers.get("retry-after")).toBe("10");
      expect(await outcome(response)).toBe("503 room_unavailable");
    }
  },
);
