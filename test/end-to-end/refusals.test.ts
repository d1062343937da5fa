// Clients without a valid credential are refused: at the bridge, and at the room's WebSocket.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Producer } from "../ingest-bridge/support/producer.ts";
import { refusalOf } from "../support/bare-socket.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { createRoom, startTestRuntime, type TestRoom, tokenWith } from "../support/local-room.ts";
import { FramedSubscriber, PlainSubscriber } from "../support/subscribers.ts";

const WRONG_SECRET = "another-secret-another-secret-another-00";
const HOUR_S = 3600;

let runtime: Runtime;
let bridge: TestBridge;
let room: TestRoom;

beforeAll(async () => {
  runtime = await startTestRuntime();
  [bridge, room] = await Promise.all([startTestBridge(runtime.url), createRoom(runtime.url)]);
});

afterAll(async () => {
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
});

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** A token whose header says that it needs no signature. */
function unsigned(name: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { room: name, can: ["admin"], jti: "unsigned", iat: now(), exp: now() + HOUR_S };
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
}

type Right = "publish" | "subscribe";

/** Invalid tokens, by their fault; `can`: the right that they would have. */
const BAD_TOKENS: Readonly<Record<string, (can: Right) => string | Promise<string>>> = {
  "signed with another secret": (can) => tokenWith({ room: room.room, can: [can] }, WRONG_SECRET),
  "of alg none": () => unsigned(room.room),
  expired: (can) => tokenWith({ room: room.room, can: [can], iat: now() - HOUR_S, exp: now() - 60 }),
  "not yet valid": (can) => tokenWith({ room: room.room, can: [can], nbf: now() + HOUR_S }),
  "for another room": (can) => tokenWith({ room: "another", can: [can] }),
  malformed: () => "not-a-token",
};

describe("at the bridge", () => {
  const tokens: Readonly<Record<string, readonly [code: string, token: () => string | Promise<string>]>> = {
    ...Object.fromEntries(
      Object.entries(BAD_TOKENS).map(([what, token]) => [what, ["unauthorized", () => token("publish")] as const]),
    ),
    "for subscribing only": ["forbidden", () => room.tokens.subscribe],
    "with characters that no token has": ["preamble_invalid", () => "{}"],
  };

  test.each(Object.entries(tokens))(
    "W1 a token %s: ERROR, an end, and no byte for anybody",
    async (what, [code, token]) => {
      const target = { url: runtime.url, room: room.room, token: room.tokens.subscribe };
      await using plain = await PlainSubscriber.join(target);
      await using framed = await FramedSubscriber.join(target);
      const line = `ROOMCAST/1 room=${room.room} token=${await token()}\n`;
      const producer = await Producer.connect(bridge.port, `${line}some bytes of a stream`);
      const answer = await producer.hungUp();
      expect(answer).toMatch(new RegExp(`^ERROR ${code} [ -~]+\n$`));
      expect(answer).not.toContain(await token());
      if (what === "expired") expect(answer).toContain("the token is expired");
      await plain.drained();
      expect([plain.bytes, framed.bytes, framed.frames]).toEqual([0, 0, 0]);
    },
  );
});

describe("at the WebSocket", () => {
  async function expectRefusal(request: Parameters<typeof refusalOf>[1], status: number, code: string): Promise<void> {
    const answer = await refusalOf({ url: runtime.url, room: room.room }, request);
    expect(answer).toMatchObject({ status, contentType: "application/problem+json", body: { status, code } });
  }

  describe.each(Object.entries(BAD_TOKENS))("W1 a token %s is refused before the upgrade", (_, token) => {
    test("in the header, for subscribing", async () => {
      await expectRefusal({ authorization: `Bearer ${await token("subscribe")}` }, 401, "unauthorized");
    });

    test("among the subprotocols, for publishing", async () => {
      const protocols = ["roomcast.v1", `token.${await token("publish")}`];
      await expectRefusal({ query: "?role=publish", protocols }, 401, "unauthorized");
    });
  });

  test("W1 no token at all is refused before the upgrade", async () => {
    await expectRefusal({}, 401, "unauthorized");
    await expectRefusal({ protocols: ["roomcast.v1"] }, 401, "unauthorized");
  });

  test("W1 a good token in the URL is refused before the upgrade", async () => {
    const { subscribe } = room.tokens;
    await expectRefusal({ query: `?token=${subscribe}` }, 400, "invalid_request");
    await expectRefusal({ query: `?token=${subscribe}`, authorization: `Bearer ${subscribe}` }, 400, "invalid_request");
  });

  test("W1 a token for publishing only does not subscribe", async () => {
    await expectRefusal({ authorization: `Bearer ${room.tokens.publish}` }, 403, "forbidden");
  });

  test("W1 a token for subscribing only does not publish", async () => {
    const request = { query: "?role=publish", protocols: ["roomcast.v1"] };
    await expectRefusal({ ...request, authorization: `Bearer ${room.tokens.subscribe}` }, 403, "forbidden");
  });

  test("W1 a token for other tracks neither publishes nor subscribes here", async () => {
    const token = await tokenWith({ room: room.room, can: ["publish", "subscribe"], tracks: ["other"] });
    const authorization = `Bearer ${token}`;
    await expectRefusal({ query: "?track=main", authorization }, 403, "forbidden");
    await expectRefusal({ query: "?role=publish", protocols: ["roomcast.v1"], authorization }, 403, "forbidden");
  });

  test("a room that was never created is not found", async () => {
    const token = await tokenWith({ room: "never", can: ["subscribe"] });
    const answer = await refusalOf({ url: runtime.url, room: "never" }, { authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({
      status: 404,
      contentType: "application/problem+json",
      body: { code: "room_not_found" },
    });
  });
});
