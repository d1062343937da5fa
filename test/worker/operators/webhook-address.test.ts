// Allowed addresses of webhooks: addresses in every notation, and names that lead elsewhere, from a real resolver over
// HTTP.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressObjection, isPublic, urlObjection } from "../../../worker/operators/webhook-address.ts";

const ZONE: Record<string, { A?: string[]; AAAA?: string[] }> = {
  "public.example": { A: ["93.184.216.34"], AAAA: ["2606:2800:220:1::1"] },
  "private.example": { A: ["10.1.2.3"] },
  "mixed.example": { A: ["93.184.216.34", "127.0.0.1"] },
  "six.example": { AAAA: ["fd00::1"] },
  "mapped.example": { AAAA: ["::ffff:169.254.169.254"] },
};

let server: Server;
let resolver = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://resolver");
    const type = searchParams.get("type") === "A" ? "A" : "AAAA";
    const records = ZONE[searchParams.get("name") ?? ""]?.[type] ?? [];
    const Answer = records.map((data) => ({ name: "x", type: type === "A" ? 1 : 28, TTL: 60, data }));
    response.setHeader("content-type", "application/dns-json");
    response.end(JSON.stringify({ Status: 0, ...(records.length > 0 && { Answer }) }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  resolver = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`;
});
afterAll(() => server.close());

const strict = () => ({ resolver, isLocalAllowed: false });

test("E4 private, local and reserved addresses are none of the public", () => {
  const refused = [
    ..."0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1".split(
      " ",
    ),
    ..."192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255".split(" "),
    ..."::1 :: fc00::1 fd12:3456::1 fe80::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1".split(" "),
    ..."2002:7f00:1:: 2001:db8::1 100::1 name".split(" "),
  ];
  expect(refused.filter(isPublic)).toEqual([]);
  const fine = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"];
  expect(fine.filter((address) => !isPublic(address))).toEqual([]);
});

test("E4 an address is https, without a credential, and public however it is written", () => {
  const wrong = [
    "http://public.example/",
    "ftp://public.example/",
    "https://user:pass@public.example/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fd00::1]:8443/x",
    "https://localhost/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://db.internal./",
    "https://intranet/",
    "https://",
    `https://public.example/${"x".repeat(2048)}`,
    "no url",
  ];
  expect(wrong.filter((url) => urlObjection(url, strict()) === undefined)).toEqual([]);
  for (const url of ["https://public.example/hook?x=1", "https://93.184.216.34:8443/", "https://[2606:4700::1111]/"]) {
    expect(urlObjection(url, strict())).toBeUndefined();
  }
});

test("E4 a name that leads to a private address is refused, one that leads nowhere is tried again", async () => {
  expect(await addressObjection("https://public.example/", strict())).toBeUndefined();
  for (const name of ["private", "mixed", "six", "mapped"]) {
    expect(await addressObjection(`https://${name}.example/`, strict())).toEqual({
      text: "the name resolves to a private address",
      isFinal: true,
    });
  }
  expect(await addressObjection("https://nowhere.example/", strict())).toMatchObject({ isFinal: false });
  expect(await addressObjection("https://10.0.0.1/", strict())).toMatchObject({ isFinal: true });
});

test("E4 for development local addresses may be allowed", async () => {
  const local = { resolver, isLocalAllowed: true };
  for (const url of ["http://127.0.0.1:9/hook", "http://localhost/", "https://private.example/"]) {
    expect(await addressObjection(url, local)).toBeUndefined();
  }
  expect(await addressObjection("ftp://127.0.0.1/", local)).toMatchObject({ isFinal: true });
});
