// The token of an open connection is renewed ahead of its expiry.
import { describe, expect, test } from "vitest";
import { Connection } from "../../client/connection.ts";
import type { ConnectionUser, Token } from "../../client/connection-options.ts";
import { RefusedError } from "../../client/refused-error.ts";
import { Renewal } from "../../client/renewal.ts";
import { MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import { FakeBrowser, FakeEnvironment, settle } from "./support/fake.ts";
import { tokenFor } from "./support/token.ts";

const DAY_MS = 24 * 3_600_000;
const ADDRESS = "https://host/base/api/rooms/my%20room/connections/c%2F1/token";

/** A renewal with tokens that live for `lifeMs`, or come from `next`. The room accepts them by default. */
function start(lifeMs: number, next?: (environment: FakeBrowser) => Promise<string>, aheadMs = 0) {
  const environment = new FakeBrowser();
  environment.answer = { status: 204 };
  const fetched: number[] = [];
  const token = async () => {
    fetched.push(environment.now());
    return next ? next(environment) : tokenFor(lifeMs, environment.now() + aheadMs);
  };
  const now = environment.now() + aheadMs;
  const renewal = new Renewal(
    { url: "https://host/base/", room: "my room", token, environment },
    tokenFor(lifeMs, now),
  );
  renewal.welcome("c/1", now);
  const since = () => fetched.map((at) => at + aheadMs - now);
  return { environment, renewal, fetched, since };
}

describe("a renewal", () => {
  test("shows a new token to the room before the old one expires, again and again", async () => {
    const { environment, since } = start(100_000);
    await environment.advance(84_999);
    expect(environment.asked).toEqual([]);
    await environment.advance(1);
    const [asked] = environment.asked;
    expect(asked).toMatchObject({ url: ADDRESS, method: "POST" });
    expect(asked?.headers.authorization).toBe(`Bearer ${tokenFor(100_000, environment.now())}`);
    await environment.advance(2 * 85_000);
    expect(since()).toEqual([85_000, 170_000, 255_000]);
    expect(environment.timers).toBe(1);
  });

  test.each([5000, 60_000, DAY_MS, MAX_TOKEN_TTL_SECONDS * 1000])(
    "works for tokens that live %i ms",
    async (lifeMs) => {
      const { environment, since } = start(lifeMs);
      const { setTimeout } = environment;
      environment.setTimeout = (run, ms) => {
        expect(ms).toBeLessThan(2 ** 31);
        return setTimeout.call(environment, run, ms);
      };
      await environment.advance(lifeMs);
      expect(since()).toEqual([lifeMs - Math.max(1000, lifeMs / 10) - lifeMs / 20]);
      expect(environment.asked).toHaveLength(1);
    },
  );

  test("goes by the room's clock", async () => {
    for (const aheadMs of [-DAY_MS, DAY_MS]) {
      const { environment, since } = start(100_000, undefined, aheadMs);
      await environment.advance(90_000);
      expect(since()).toEqual([85_000]);
    }
  });

  test.each([
    ["the network fails", undefined, undefined],
    ["the room is busy", { status: 503 }, undefined],
    ["too many ask", { status: 429 }, undefined],
    ["no token can be had", { status: 204 }, () => Promise.reject(new Error("no network"))],
    ["there is no newer token", { status: 204 }, async () => tokenFor(1000, 0)],
  ])("is tried again with growing pauses, until the token expires, where %s", async (_, answer, next) => {
    const { environment, since } = start(100_000, next);
    environment.answer = answer;
    await environment.advance(200_000);
    const tries = since();
    expect(tries.length).toBeGreaterThan(3);
    expect(tries.length).toBeLessThan(30);
    expect(tries.at(-1)).toBeLessThan(100_000);
    expect(environment.timers).toBe(0);
  });

  test("succeeds at a later try, and continues from there", async () => {
    const { environment } = start(100_000);
    environment.answer = undefined;
    await environment.advance(86_000);
    environment.answer = { status: 204 };
    await environment.advance(14_000);
    const asked = environment.asked.length;
    expect(asked).toBeGreaterThan(1);
    await environment.advance(70_000);
    expect(environment.asked.length).toBe(asked);
    await environment.advance(15_000);
    expect(environment.asked.length).toBe(asked + 1);
  });

  test("R2 waits as long as Retry-After says", async () => {
    const { environment } = start(100_000);
    environment.answer = { status: 503, retryAfter: "6" };
    await environment.advance(85_000 + 5999);
    expect(environment.asked).toHaveLength(1);
    await environment.advance(3001);
    expect(environment.asked).toHaveLength(2);
  });

  test("a token function that hangs is asked again after 10 s", async () => {
    const { environment, since } = start(1_000_000, () => new Promise(() => {}));
    await environment.advance(850_000 + 10_000 + 50_000);
    expect(since().length).toBeGreaterThan(1);
    expect(environment.asked).toEqual([]);
  });

  test.each([400, 401, 403, 404, 405, 410])("ends where the room refuses (%i)", async (status) => {
    const { environment } = start(100_000);
    environment.answer = { status, body: { code: "some_code" } };
    await environment.advance(200_000);
    expect(environment.asked).toHaveLength(1);
    expect(environment.timers).toBe(0);
  });

  test("ends where the token function refuses", async () => {
    const { environment, fetched } = start(100_000, () => Promise.reject(new RefusedError("signed_out")));
    await environment.advance(200_000);
    expect(fetched).toHaveLength(1);
    expect(environment.timers).toBe(0);
  });

  test("shows nothing once it is stopped", async () => {
    const { environment, renewal, fetched } = start(100_000, async (surroundings) => {
      renewal.stop();
      return tokenFor(100_000, surroundings.now());
    });
    await environment.advance(200_000);
    expect(fetched).toHaveLength(1);
    expect(environment.asked).toEqual([]);
    expect(environment.timers).toBe(0);
  });
});

describe("an open connection", () => {
  const user: ConnectionUser = {
    connecting() {},
    query: () => ({}),
    opened() {},
    control() {},
    binary() {},
    lost: () => undefined,
    refused() {},
  };

  async function open(environment: FakeEnvironment, token: Token) {
    const connection = new Connection({ url: "https://host", room: "r", token, environment }, user);
    connection.connect();
    await settle();
    environment.socket.open();
    environment.socket.deliver({ type: "welcome", connection: "c1", room: "r", now: environment.now() });
    return connection;
  }

  test("H6 renews what its function fetched, and stays open; nothing is left when it ends", async () => {
    const environment = new FakeBrowser();
    environment.answer = { status: 204 };
    const connection = await open(environment, async () => tokenFor(10_000, environment.now()));
    await environment.advance(9000);
    expect(environment.asked).toMatchObject([{ url: "https://host/api/rooms/r/connections/c1/token", method: "POST" }]);
    expect(environment.dialed).toHaveLength(1);
    connection.close();
    expect(environment.timers).toBe(0);
  });

  test("H6 if its renewal was refused, it reconnects with a new token when the room closes it", async () => {
    const environment = new FakeBrowser();
    environment.answer = { status: 401, body: { code: "unauthorized" } };
    let calls = 0;
    await open(environment, async () => `${tokenFor(10_000, environment.now())}${calls++}`);
    await environment.advance(9999);
    environment.socket.end(4002, "token_expired");
    await environment.advance(250);
    expect(environment.asked).toHaveLength(1);
    expect(environment.dialed.map(({ protocols }) => protocols[1]?.at(-1))).toEqual(["0", "2"]);
  });

  test.each([
    ["a text", (environment: FakeEnvironment) => tokenFor(10_000, environment.now())],
    ["no JWT", () => async () => "t0ken"],
  ])("does not renew %s", async (_, tokenOfEnvironment) => {
    const environment = new FakeBrowser();
    const connection = await open(environment, tokenOfEnvironment(environment));
    await environment.advance(15_000);
    expect(environment.asked).toEqual([]);
    connection.close();
  });

  test("does not renew without HTTP", async () => {
    const environment = new FakeEnvironment();
    const connection = await open(environment, async () => tokenFor(10_000, environment.now()));
    await environment.advance(15_000);
    connection.close();
    expect(environment.timers).toBe(0);
  });
});
