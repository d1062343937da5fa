// The self-hosted Worker's replacement for Cloudflare: clients' addresses, and rate limits.
import { expect, test } from "vitest";
import { clientAddress, TrustedProxies, withoutPort } from "../../worker/client-address.ts";
import { LocalRateLimit } from "../../worker/local-rate-limit.ts";

test("without a trusted proxy the peer is the client, whatever it says", () => {
  const none = new TrustedProxies("");
  expect(clientAddress("203.0.113.1", "198.51.100.1", none)).toBe("203.0.113.1");
});

test("a proxy's word counts from its end: what stands before it anybody may have written", () => {
  const proxies = new TrustedProxies("10.0.0.0/8, ::1, fd00::/16");
  const cases: [peer: string, forwarded: string | null, client: string][] = [
    ["10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["10.1.2.3", "127.0.0.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"],
    ["::ffff:10.1.2.3", "2001:db8::5", "2001:db8::5"],
    ["fd00:0:1::9", "[2001:db8::5]:443", "2001:db8::5"],
    ["::1", "198.51.100.1:5555", "198.51.100.1"],
    ["::1", "10.0.0.7", "10.0.0.7"],
    ["::1", null, "::1"],
    ["::1", "unknown", "::1"],
    ["11.0.0.1", "198.51.100.1", "11.0.0.1"],
    ["fd01::1", "198.51.100.1", "fd01::1"],
  ];
  for (const [peer, forwarded, client] of cases) expect(clientAddress(peer, forwarded, proxies)).toBe(client);
});

test("the port of a peer is left out", () => {
  expect(["1.2.3.4:5", "[::1]:5", "::1", "1.2.3.4", ""].map(withoutPort)).toEqual([
    "1.2.3.4",
    "::1",
    "::1",
    "1.2.3.4",
    "",
  ]);
});

test("a text that is neither an address nor a network is refused", () => {
  for (const text of ["10.0.0.0/33", "256.1.1.1", "::1::", "1:2:3", "host", "::1/129", "1.2.3.4/x", "1.2.3.4/"]) {
    expect(() => new TrustedProxies(text)).toThrow(TypeError);
  }
});

test("a limit counts each key separately, anew in each period, and forgets the oldest if there are too many", async () => {
  let now = 0;
  const limiter = new LocalRateLimit({ name: "X", limit: 2, period: 60 }, () => now);
  const attempt = async (key: string) => (await limiter.limit({ key })).success;
  expect([await attempt("a"), await attempt("a"), await attempt("a"), await attempt("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  now = 59_999;
  expect(await attempt("a")).toBe(false);
  now = 60_000;
  expect(await attempt("a")).toBe(true);
  for (let index = 0; index <= 100_001; index++) await attempt(`k${index}`);
  expect([await attempt("a"), await attempt("a"), await attempt("a")]).toEqual([true, true, false]);
});
