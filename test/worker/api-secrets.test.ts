// No secret leaks: answers, close reasons and logs of all failures are searched for secrets.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { app } from "../../worker/routes.ts";
import { answered, api, claimsFor, handmade, knock, OTHER_SECRET, outcome, SECRET, tokenFor } from "./support/api.ts";
import { createRoom, join, publish, request } from "./support/rooms.ts";

/** All output: answers and messages to clients, and logs. */
const told: string[] = [];
const logged: string[] = [];
/** Texts that must not be in it. */
const secrets = new Set<string>([SECRET, OTHER_SECRET]);

const LEVELS = ["log", "info", "warn", "error", "debug", "trace"] as const;

beforeAll(() => {
  for (const level of LEVELS) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      const text = (part: unknown) =>
        part instanceof Error ? `${part.stack} ${JSON.stringify(part.cause)}` : String(part);
      logged.push(parts.map(text).join(" "));
    });
  }
});

afterAll(() => vi.restoreAllMocks());

/** Records the answer's status, headers and body. */
async function tell(response: Response | Promise<Response>): Promise<Response> {
  const answer = await response;
  const copy = answer.webSocket ? "" : await answer.clone().text();
  told.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${copy}`);
  return answer;
}

async function secret(token: Promise<string> | string): Promise<string> {
  const text = await token;
  secrets.add(text);
  return text;
}

test("H17 what goes wrong at every route says neither token nor secret nor stack", async () => {
  const { room, tokens } = await createRoom();
  for (const token of Object.values(tokens)) secrets.add(token);
  const bearers = await Promise.all([
    secret(tokenFor(room, { can: ["admin"] }, OTHER_SECRET)),
    secret(tokenFor("other", { can: ["admin"] })),
    secret(tokenFor(room, { can: ["admin"], iat: 1, exp: 2 })),
    secret(handmade({ alg: "none" }, claimsFor(room), null)),
    secret("this-is-no-token-but-may-be-a-password"),
    tokens.subscribe,
    tokens.admin,
    SECRET,
  ]);
  const paths = ["", "/tokens", "/tickets", "/revocations", "/connections", "/connections/x", "/messages", "/nothing"];
  for (const bearer of bearers) {
    for (const path of paths) {
      for (const method of ["GET", "POST", "PATCH", "PUT"]) {
        const body =
          method === "GET" ? undefined : { [bearer]: bearer, settings: { [bearer]: 1 }, to: bearer, can: [bearer] };
        const answer = await tell(api(method, room, path, bearer, body));
        expect(answer.status).not.toBe(500);
      }
    }
    const attempts = [
      `token=${bearer}`,
      `ticket=${bearer}`,
      `track=${bearer}`,
      `start=${bearer}`,
      `${bearer}=1`,
      `role=${bearer}`,
      `resume=${bearer}&role=publish`,
    ];
    for (const query of attempts) await tell(knock(room, query, { authorization: `Bearer ${bearer}` }));
    for (const protocols of [`roomcast.v1, token.${bearer}`, `roomcast.v1, ${bearer}`, bearer]) {
      await tell(knock(room, "role=publish&track=z", { "sec-websocket-protocol": protocols }));
    }
    await tell(request(`/rooms/${bearer}`));
    await tell(request(`/api/rooms/${bearer}`));
    await tell(request("/api/rooms", { method: "POST", body: JSON.stringify({ id: bearer, [bearer]: 1 }) }));
  }
});

test("H17 R1 the reasons of closes do not either", async () => {
  const { room, tokens } = await createRoom();
  for (const token of Object.values(tokens)) secrets.add(token);
  const texts = [
    tokens.admin,
    `{"type":"${tokens.admin}"}`,
    `{"type":"sync","sequence":"${tokens.admin}"}`,
    `{"type":"message","to":"${SECRET}","body":1}`,
  ];
  for (const text of texts) {
    for (const peer of [await join(room, tokens.subscribe), await publish(room, tokens.publish, "takeover=1")]) {
      peer.send(text);
      const { code, reason } = await peer.until("end", ({ closed }) => closed);
      expect(code).toBeGreaterThanOrEqual(4000);
      told.push(reason, ...peer.text.map((message) => JSON.stringify(message)));
    }
  }
  const sent = new TextEncoder().encode(tokens.admin);
  const publisher = await publish(room, tokens.publish, "takeover=1");
  publisher.send(sent);
  told.push((await publisher.until("end", ({ closed }) => closed)).reason);
});

test("H17 an unexpected error is reported in general words, and logged without a credential", async () => {
  const token = await secret(tokenFor("x"));
  const broken = {
    getByName: () => {
      throw new Error("the platform failed");
    },
  };
  const env = { ROOM: broken, ASSETS: broken, TOKEN_SECRET: SECRET, OPERATOR_KEY: SECRET, ROOM_CREATION: "open" };
  const headers = { authorization: `Bearer ${token}` };
  const before = logged.length;
  for (const path of ["/api/rooms/x", "/rooms/x/ws?role=subscribe", "/rooms/x"]) {
    const upgrade = path.includes("/ws") ? { upgrade: "websocket" } : {};
    const answer = await tell(
      app.fetch(new Request(`http://roomcast.test${path}`, { headers: { ...headers, ...upgrade } }), env),
    );
    expect(await outcome(answer)).toBe("500 internal_error");
  }
  expect(logged.length).toBe(before + 3);
  expect(told.slice(-3).join("")).not.toContain("the platform failed");
});

test("H17 intended answers are in their places, and nowhere else", async () => {
  const { room, tokens } = await createRoom();
  const ticket = (await answered<{ ticket: string }>(api("POST", room, "/tickets", tokens.subscribe, {}), 201)).ticket;
  secrets.add(ticket);
  for (let count = 0; count < 2; count++) await tell(knock(room, `ticket=${ticket}`));
  for (const token of Object.values(tokens)) secrets.add(token);
  await tell(api("GET", room, "", tokens.admin));
  await tell(api("GET", room, "/connections", tokens.admin));
  await tell(request("/api/openapi.json"));
  await tell(request(`/rooms/${room}`));
});

test("H17 the search of all of it", () => {
  expect(told.length).toBeGreaterThan(300);
  const parts = [...secrets].flatMap((text) => [text, ...text.split(".").filter((part) => part.length > 24)]);
  // The header of a JWT is the same for all tokens and contains no secret.
  const sought = parts.filter((part) => !part.startsWith("eyJhbGciOi") || part.includes("."));
  const found = [...told, ...logged].filter((text) => sought.some((part) => text.includes(part)));
  expect(found.slice(0, 5)).toEqual([]);
  const stacks = told.filter((text) => /\bat [\w.<>#]+ \(|\.ts:\d+|node_modules|file:\/\//.test(text));
  expect(stacks.slice(0, 5)).toEqual([]);
});
