// Every route with every kind of credential: the exact answer, and no effect on anybody.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  answered,
  api,
  claimsFor,
  handmade,
  knock,
  nowSeconds,
  OTHER_SECRET,
  outcome,
  SECRET,
  tokenFor,
} from "./support/api.ts";
import { createRoom, join, type Peer, publish, request } from "./support/rooms.ts";

const HOUR = 3600;
const NO = "401 unauthorized";
const REVOKED = "401 token_revoked";
const LACKS = "403 forbidden";

let room: Awaited<ReturnType<typeof createRoom>>;
let other: Awaited<ReturnType<typeof createRoom>>;
let bystanders: Peer[];
let noise: number[];

/** Everything that any client got, except occupancy. */
const heard = () =>
  bystanders.map(({ text, binary }) => text.filter(({ type }) => type !== "occupancy").length + binary.length);

beforeAll(async () => {
  [room, other] = await Promise.all([createRoom(), createRoom()]);
  const { tokens } = room;
  for (const body of [{ jti: "by-jti" }, { subject: "gone" }, { issuedBefore: nowSeconds() - HOUR / 2 }]) {
    await answered(api("POST", room.room, "/revocations", tokens.admin, body), 201);
  }
  bystanders = [
    await join(room.room, tokens.subscribe),
    await join(room.room, tokens.subscribe, "", true),
    await publish(room.room, tokens.publish),
    await join(other.room, other.tokens.subscribe),
  ];
  await bystanders[0]?.until("source", (peer) => peer.said("source")[0]);
  await bystanders[3]?.until("welcome", (peer) => peer.said("welcome")[0]);
  noise = heard();
});

beforeEach(() => {
  for (const peer of bystanders) peer.ping();
});

afterAll(() => {
  for (const peer of bystanders) peer.close();
});

/** A function that makes a token, and the expected answer. */
type Bad = readonly [() => Promise<string>, string];

/** Credentials that are not valid in the room, and the expected answers. */
const REFUSED: Readonly<Record<string, Bad>> = {
  malformed: [async () => "a.b.c", NO],
  "not even three parts": [async () => "token", NO],
  "of another secret": [() => tokenFor(room.room, { can: ["admin"] }, OTHER_SECRET), NO],
  "with algorithm none": [() => handmade({ alg: "none" }, claimsFor(room.room, { can: ["admin"] }), null), NO],
  "with algorithm None and a signature": [
    () => handmade({ alg: "None" }, claimsFor(room.room, { can: ["admin"] }), "SHA-256"),
    NO,
  ],
  "with HS512": [() => handmade({ alg: "HS512" }, claimsFor(room.room, { can: ["admin"] }), "SHA-512"), NO],
  "that says RS256 over an HMAC": [
    () => handmade({ alg: "RS256" }, claimsFor(room.room, { can: ["admin"] }), "SHA-256"),
    NO,
  ],
  "with critical extensions": [
    () => handmade({ alg: "HS256", crit: ["x"], x: 1 }, claimsFor(room.room, { can: ["admin"] }), "SHA-256"),
    NO,
  ],
  "with a right that does not exist": [
    () => handmade({ alg: "HS256" }, { ...claimsFor(room.room), can: ["root"] }, "SHA-256"),
    NO,
  ],
  "without expiry": [
    () => handmade({ alg: "HS256" }, { ...claimsFor(room.room, { can: ["admin"] }), exp: undefined }, "SHA-256"),
    NO,
  ],
  "that is expired": [
    () => tokenFor(room.room, { can: ["admin"], iat: nowSeconds() - HOUR, exp: nowSeconds() - 10 }),
    NO,
  ],
  "that is not yet valid": [() => tokenFor(room.room, { can: ["admin"], nbf: nowSeconds() + HOUR }), NO],
  "from the future": [
    () => tokenFor(room.room, { can: ["admin"], iat: nowSeconds() + HOUR, exp: nowSeconds() + 2 * HOUR }),
    NO,
  ],
  "that lives for years": [() => tokenFor(room.room, { can: ["admin"], exp: nowSeconds() + 365 * 24 * HOUR }), NO],
  "of another room": [() => tokenFor(other.room, { can: ["admin"] }), NO],
  "revoked by jti": [() => tokenFor(room.room, { can: ["admin"], jti: "by-jti" }), REVOKED],
  "revoked by subject": [
    () => tokenFor(room.room, { can: ["admin"], sub: "gone", iat: nowSeconds() - HOUR / 4 }),
    REVOKED,
  ],
  "revoked by time": [
    () => tokenFor(room.room, { can: ["admin"], iat: nowSeconds() - HOUR, exp: nowSeconds() + HOUR }),
    REVOKED,
  ],
};

const BAD = Object.entries(REFUSED).map(([name, [token, expected]]) => [name, token, expected] as const);

/** The routes of a room: the required right, and a valid body. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly right: "any" | "admin" | "message" | "subscribe";
  readonly body?: unknown;
}
const ROUTES: readonly Route[] = [
  { method: "GET", path: "", right: "any" },
  { method: "PATCH", path: "", right: "admin", body: { settings: { title: "taken" } } },
  { method: "DELETE", path: "", right: "admin" },
  { method: "POST", path: "/tokens", right: "admin", body: { can: ["admin"], ttlSeconds: 60 } },
  { method: "POST", path: "/tickets", right: "any", body: {} },
  { method: "POST", path: "/revocations", right: "admin", body: { issuedBefore: 1 } },
  { method: "GET", path: "/connections", right: "admin" },
  { method: "DELETE", path: "/connections/none", right: "admin" },
  { method: "POST", path: "/connections/none/token", right: "any" },
  { method: "POST", path: "/messages", right: "message", body: { body: "hello" } },
  { method: "GET", path: "/recordings", right: "any" },
  { method: "DELETE", path: "/recordings", right: "admin" },
  { method: "GET", path: "/tracks/main/segments", right: "subscribe" },
  { method: "GET", path: "/tracks/main/index.m3u8", right: "subscribe" },
  { method: "GET", path: "/tracks/main/recording", right: "subscribe" },
  { method: "DELETE", path: "/tracks/main/recording", right: "admin" },
];

describe.each(ROUTES)("$method /api/rooms/:room$path", ({ method, path, right, body }) => {
  const ask = async (bearer?: string) => outcome(api(method, room.room, path, bearer, body));

  test("H2 without a credential", async () => {
    expect(await ask()).toBe(NO);
    expect(
      await outcome(request(`/api/rooms/${room.room}${path}`, { method, headers: { authorization: "Basic YTpi" } })),
    ).toBe(NO);
  });

  test.each(BAD)("H1 H2 H5 a token %s", async (_, token, expected) => {
    expect(await ask(await token())).toBe(expected);
  });

  test("H2 a token in the URL", async () => {
    const url = `/api/rooms/${room.room}${path}?token=${await tokenFor(room.room, { can: ["admin"] })}`;
    expect(await outcome(request(url, { method }))).toBe("400 invalid_request");
  });

  test("H3 a token without the right", async () => {
    for (const can of ["subscribe", "publish", "message"] as const) {
      if (right !== "any" && can !== right) expect(await ask(await tokenFor(room.room, { can: [can] }))).toBe(LACKS);
    }
  });

  test("H3 a room that never was, with a token that would count", async () => {
    expect(await outcome(api(method, "never", path, await tokenFor("never", { can: ["admin"] }), body))).toBe(
      "404 room_not_found",
    );
  });
});

const ROLES = ["subscribe", "publish"] as const;

describe.each(ROLES)("the WebSocket as %s", (role) => {
  const asHeader = (token: string) => knock(room.room, `role=${role}`, { authorization: `Bearer ${token}` });
  const asProtocol = (token: string) =>
    knock(room.room, `role=${role}`, { "sec-websocket-protocol": `roomcast.v1, token.${token}` });

  test("H2 W1 without a credential, with an empty one, with a scheme of another kind", async () => {
    expect(await outcome(knock(room.room, `role=${role}`))).toBe(NO);
    for (const authorization of ["", "Bearer", "Bearer ", "Basic YTpi", `Token ${room.tokens.admin}`]) {
      expect(await outcome(knock(room.room, `role=${role}`, { authorization }))).toBe(NO);
    }
    expect(await outcome(knock(room.room, `role=${role}`, { "sec-websocket-protocol": "roomcast.v1, token." }))).toBe(
      NO,
    );
  });

  test.each(BAD)("H1 W1 a token %s", async (_, token, expected) => {
    expect(await outcome(asHeader(await token()))).toBe(expected);
    expect(await outcome(asProtocol(await token()))).toBe(expected);
  });

  test("W1 a token in the URL, a token beside a ticket, the operator's key", async () => {
    const token = await tokenFor(room.room, { can: ["admin"] });
    expect(await outcome(knock(room.room, `role=${role}&token=${token}`))).toBe("400 invalid_request");
    const both = knock(room.room, `role=${role}&ticket=${"0".repeat(32)}`, { authorization: `Bearer ${token}` });
    expect(await outcome(both)).toBe("400 invalid_request");
    expect(await outcome(asHeader(SECRET))).toBe(NO);
  });

  test("H4 tickets that are invented, malformed or doubled", async () => {
    for (const query of [
      "ticket=",
      `ticket=${"0".repeat(32)}`,
      "ticket=../..",
      `ticket=${"0".repeat(32)}&ticket=${"1".repeat(32)}`,
    ]) {
      expect(await outcome(knock(room.room, `role=${role}&${query}`))).toBe(NO);
    }
  });

  test("H3 the other right, and other tracks", async () => {
    const wrong = role === "publish" ? "subscribe" : "publish";
    expect(await outcome(asHeader(await tokenFor(room.room, { can: [wrong, "message"] })))).toBe(LACKS);
    const limited = { authorization: `Bearer ${await tokenFor(room.room, { can: [role], tracks: ["mine"] })}` };
    expect(await outcome(knock(room.room, `role=${role}&track=main`, limited))).toBe(LACKS);
    if (role === "subscribe") expect(await outcome(knock(room.room, "tracks=mine,main", limited))).toBe(LACKS);
    else expect(await outcome(knock(room.room, "role=publish", limited))).toBe(LACKS);
    const { room: own } = await createRoom();
    const headers = { authorization: `Bearer ${await tokenFor(own, { can: [role], tracks: ["mine"] })}` };
    expect(await outcome(knock(own, `role=${role}&track=mine`, headers))).toBe("101");
  });

  test("H3 a room that never was", async () => {
    const headers = { authorization: `Bearer ${await tokenFor("never", { can: ["admin"] })}` };
    expect(await outcome(knock("never", `role=${role}`, headers))).toBe("404 room_not_found");
  });
});

test("creating a room needs no key here; a wrong method or a missing upgrade is reported", async () => {
  expect(await outcome(api("PUT", room.room, "", room.tokens.admin))).toBe("405 method_not_allowed");
  const wrong = await request("/api/rooms", { method: "PUT" });
  expect([wrong.headers.get("allow"), await outcome(wrong)]).toEqual(["POST, GET", "405 method_not_allowed"]);
  expect(await outcome(request(`/rooms/${room.room}/ws`))).toBe("426 upgrade_required");
  expect(await outcome(request("/api/nothing"))).toBe("404 not_found");
});

test("zero bytes of all that went to anybody, and nobody was cut", async () => {
  expect(heard()).toEqual(noise);
  expect(bystanders.map(({ closed }) => closed)).toEqual(bystanders.map(() => undefined));
  const { subscribers, publishers } = await answered(api("GET", room.room, "", room.tokens.admin), 200);
  expect({ subscribers, publishers }).toEqual({ subscribers: 2, publishers: 1 });
});
