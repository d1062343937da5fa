// The API as a contract: the document describes every route, answers match the description, codes are those of
// PROTOCOL.md.
import { describe, expect, test } from "vitest";
import type * as z from "zod/mini";
import protocolText from "../../PROTOCOL.md?raw";
import { openApi } from "../../worker/openapi.ts";
import { OPERATIONS } from "../../worker/operations.ts";
import { PROBLEMS } from "../../worker/problem.ts";
import { app } from "../../worker/routes.ts";
import { answered, api, outcome } from "./support/api.ts";
import { createRoom, frame, join, KEY, publish, request, type Tokens } from "./support/rooms.ts";

/** The answer's schema of an operation. */
function answerOf(id: string): z.ZodMiniType {
  const answer = OPERATIONS.find((operation) => operation.id === id)?.answer;
  if (answer === undefined) throw new Error(`no answer: ${id}`);
  return answer;
}

describe("GET /api/openapi.json", () => {
  test("describes exactly the routes that there are", () => {
    const routes = app.routes
      .filter(({ method, path }) => method !== "ALL" && path.startsWith("/api/"))
      .map(({ method, path }) => `${method} ${path}`);
    const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(new Set(described)).toEqual(new Set(routes));
    expect(described).toHaveLength(new Set(described).size);
  });

  test("H12 is answered, with the schemas that validate in it", async () => {
    const document = await answered<ReturnType<typeof openApi>>(request("/api/openapi.json"), 200);
    expect(document).toEqual(JSON.parse(JSON.stringify(openApi())));
    expect(document).toMatchObject({
      openapi: "3.1.0",
      servers: [{ url: "/" }],
      info: { license: { identifier: "MIT" } },
    });
    const create = document.paths["/api/rooms"]?.post as Record<string, unknown>;
    expect(create).toMatchObject({
      operationId: "createRoom",
      requestBody: { content: { "application/json": { schema: { type: "object", additionalProperties: false } } } },
      responses: { 201: {}, 409: { description: "room_exists" } },
    });
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((one) => (one as { operationId: string }).operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(JSON.stringify(document)).not.toMatch(/undefined|\[object/);
  });

  test("H3 every code that a route names is one of PROTOCOL.md's table, and the other way round", () => {
    const rows = [...protocolText.matchAll(/^\| +(\d{3}) +\| +`(\w+)` +\|/gm)].map(([, status, code]) => [
      code,
      Number(status),
    ]);
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(PROBLEMS).map(([code, [status]]) => [code, status])),
    );
  });
});

test("answers match their description", async () => {
  const created = await answered<{ room: string; tokens: Tokens }>(
    request("/api/rooms", { method: "POST", body: "" }),
    201,
  );
  const { room, tokens } = created;
  const publisher = await publish(room, tokens.publish);
  await join(room, tokens.subscribe);
  publisher.frames(frame(0, 10, KEY));
  await publisher.acknowledged(1);
  const seen = {
    createRoom: created,
    health: await answered(request("/api/health"), 200),
    getRoom: await answered(api("GET", room, "", tokens.subscribe), 200),
    updateRoom: await answered(api("PATCH", room, "", tokens.admin, { settings: { title: "x" } }), 200),
    mintToken: await answered(api("POST", room, "/tokens", tokens.admin, { can: ["message"], ttlSeconds: 9 }), 201),
    issueTicket: await answered(api("POST", room, "/tickets", tokens.publish, {}), 201),
    revokeTokens: await answered(api("POST", room, "/revocations", tokens.admin, { jti: "x" }), 201),
    listConnections: await answered(api("GET", room, "/connections", tokens.admin), 200),
    listRecordings: await answered(api("GET", room, "/recordings", tokens.subscribe), 200),
    deliverMessage: await answered(api("POST", room, "/messages", tokens.admin, { body: 1 }), 200),
  };
  for (const [id, value] of Object.entries(seen)) {
    const { success, error } = answerOf(id).safeParse(value);
    expect({ id, success, error: error?.issues }).toEqual({ id, success: true, error: undefined });
  }
  expect(seen.getRoom).toMatchObject({
    counters: { framesReceived: 1 },
    subscribers: 1,
    publishers: 1,
    tracks: [{ next: 1 }],
  });
});

describe("bodies", () => {
  const post = (body: BodyInit | null) => outcome(request("/api/rooms", { method: "POST", body }));

  test("H12 are JSON, small, and have no fields that are not known", async () => {
    for (const body of [
      "{",
      "[]",
      "7",
      '"x"',
      "null",
      '{"id":7}',
      '{"id":"a b"}',
      '{"id":"../x"}',
      '{"id":""}',
      '{"colour":"red"}',
      `{"id":"${"x".repeat(65)}"}`,
    ]) {
      expect({ body, is: await post(body) }).toEqual({ body, is: "400 invalid_request" });
    }
    expect(await post(new Uint8Array([0xff, 0xfe, 0x7b]))).toBe("400 invalid_request");
    expect(await post(`{"id":"x"${" ".repeat(16 * 1024)}}`)).toBe("413 body_too_large");
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4096).fill(32)) });
    expect(await post(endless)).toBe("413 body_too_large");
  });

  test("H12 errors are reported by the names of fields", async () => {
    const { room, tokens } = await createRoom();
    const detail = async (path: string, body: object) => {
      const { detail } = await answered<{ detail: string }>(api("POST", room, path, tokens.admin, body), 400);
      return detail;
    };
    expect(await detail("/tokens", { can: ["fly"], ttlSeconds: "9" })).toBe(
      "can.0: is not subscribe or publish or message or reliable or admin; ttlSeconds: is not of type number",
    );
    expect(await detail("/tokens", {})).toBe("can: is required; ttlSeconds: is required");
    expect(await detail("/tokens", { can: [], ttlSeconds: 1e9 })).toBe(
      "can: has fewer than 1; ttlSeconds: is above 7776000",
    );
    expect(await detail("/messages", {})).toBe("request: body: is required, or bytes: is required");
    expect(await detail("/revocations", {})).toBe(
      "request: jti: is required, or subject: is required, or issuedBefore: is required",
    );
  });

  test("a taken id, and one that differs only in case", async () => {
    const { room } = await createRoom();
    const upper = room.toUpperCase();
    expect(await post(JSON.stringify({ id: room }))).toBe("409 room_exists");
    expect(await post(JSON.stringify({ id: upper }))).toBe(upper === room ? "409 room_exists" : "201");
  });
});

test("the page and the API carry the headers that keep them safe", async () => {
  const { room, tokens } = await createRoom();
  const page = await request(`/rooms/${room}`);
  expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(page.headers.get("content-security-policy")).not.toMatch(/unsafe-inline|unsafe-eval|\*/);
  expect(page.headers.get("referrer-policy")).toBe("no-referrer");
  const answer = await api("GET", room, "", tokens.admin);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});
