// Metrics from Analytics Engine: the query, over real HTTP, and the handling of its answers.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { recentValues } from "../../../worker/operators/analytics.ts";
import { readOperatorSettings } from "../../../worker/operators/settings.ts";

let server: Server;
let url = "";
let answer: [status: number, body: string] = [200, ""];
let asked: { authorization: string | undefined; body: string } | undefined;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked = { authorization: request.headers.authorization, body };
    response.writeHead(answer[0]).end(answer[1]);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql`;
});
afterAll(() => server.close());
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

test("E5 the data set is asked with the token, and sums may be texts", async () => {
  answer = [200, JSON.stringify({ data: [{ reports: "12", rooms: 3, bytes: "9007199254740", largest: 40 }] })];
  const values = await recentValues({ url, token: "t0ken", dataset: "roomcast" });
  expect(values).toEqual([[[{}, 12]], [[{}, 3]], [[{}, 9_007_199_254_740]], [[{}, 40]]]);
  expect(asked?.authorization).toBe("Bearer t0ken");
  expect(asked?.body).toMatch(/FROM roomcast WHERE timestamp > NOW\(\) - INTERVAL '5' MINUTE/);
});

test("E5 a data set without points is zeros, and one that does not answer is left out", async () => {
  answer = [200, JSON.stringify({ data: [] })];
  expect(await recentValues({ url, token: "t", dataset: "d" })).toEqual([[[{}, 0]], [[{}, 0]], [[{}, 0]], [[{}, 0]]]);
  for (const bad of [
    [403, "no"],
    [200, "{"],
    [200, "{}"],
  ] as const) {
    answer = [...bad];
    expect(await recentValues({ url, token: "t", dataset: "d" })).toBeUndefined();
  }
});

test("E5 the operator's settings are validated, and all problems are reported together", () => {
  const faultsOf = (vars: Parameters<typeof readOperatorSettings>[0]) => {
    const faults: string[] = [];
    readOperatorSettings(vars, faults);
    return faults;
  };
  const account = "0123456789abcdef0123456789abcdef";
  const secret = `whsec_${btoa("x".repeat(32))}`;
  expect(faultsOf({})).toEqual([]);
  const whole = { WEBHOOK_URL: "https://a.example/ https://b.example/", WEBHOOK_SECRET: secret };
  expect(
    faultsOf({ ...whole, WEBHOOK_RETRY_SECONDS: "1, 2", ANALYTICS_ACCOUNT: account, ANALYTICS_TOKEN: "t" }),
  ).toEqual([]);
  expect(
    faultsOf({
      WEBHOOK_URL: "http://a.example/",
      WEBHOOK_RETRY_SECONDS: "-1",
      DNS_RESOLVER: "x",
      PRICES: "{",
      ANALYTICS_ACCOUNT: "../..",
      ANALYTICS_DATASET: "a; b",
    }),
  ).toHaveLength(8);
  expect(faultsOf({ WEBHOOK_SECRET: "short" })).toHaveLength(1);
});
