// Control messages: which are read, ignored and refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PING, PONG, parseClientMessage, parseServerMessage } from "../../protocol/control.ts";
import {
  MAX_BODY_DEPTH,
  MAX_CONTROL_BYTES,
  MAX_LABEL_CHARS,
  MAX_PRESENT_MEMBERS,
  MAX_ROOM_TEXT_BYTES,
} from "../../protocol/limits.ts";
import { codeOf, violation } from "./support/errors.ts";
import { table, words } from "./support/protocol-text.ts";
import { vectors } from "./support/vectors.ts";

const SIDES = [
  ["a client", parseServerMessage, vectors.control.room.valid],
  ["a room", parseClientMessage, vectors.control.client.valid],
] as const;

/** Types of the room's messages, with their fields. */
const TYPES = new Map(
  table("type", "to", "fields").map(([type = "", , fields = ""]) => [words(type)[0] ?? "", words(fields)]),
);

/** Optional fields of messages; a `message` to a room needs its body. */
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  message: ["id", "to", "bytes", "body"],
  welcome: ["reconnectMs"],
  occupancy: ["reconnectMs"],
  track: ["format"],
};

describe("PROTOCOL.md and the parsers agree", () => {
  test("C1 there is a vector for each type of the room's tables, with their fields", () => {
    const fields = new Map<string, Set<string>>();
    for (const { message } of vectors.control.room.valid) {
      const { type, ...others } = message;
      fields.set(type, new Set([...(fields.get(type) ?? []), ...Object.keys(others)]));
    }
    expect(fields).toEqual(new Map([...TYPES].map(([type, names]) => [type, new Set(names)])));
  });

  test("ping and pong are four bytes each, and no control messages", () => {
    expect([PING, PONG]).toEqual(["ping", "pong"]);
    for (const [, parse] of SIDES) {
      for (const text of [PING, PONG]) expect(codeOf(() => parse(text))).toBe("control_not_json");
    }
  });
});

describe.each(SIDES)("read by %s", (_, parse, valid) => {
  const messages = valid.map(({ message }) => [JSON.stringify(message), message] as const);
  const refused = (message: object) => codeOf(() => parse(JSON.stringify(message)));

  test.each(messages)("C1 every field of %s is needed", (_, message) => {
    for (const name of Object.keys(message).filter((one) => !OPTIONAL[message.type]?.includes(one))) {
      const { [name]: _, ...rest } = message;
      expect({ name, code: refused(rest) }).toEqual({ name, code: "control_invalid" });
    }
  });

  test.each(messages)("C1 no field of %s takes a value of another kind", (_, message) => {
    const free = ([name, value]: [string, unknown]) => name === "body" || (name === "format" && value === null);
    for (const [name, value] of Object.entries(message).filter((field) => !free(field))) {
      const kinds = [
        {},
        [value],
        1.5,
        -1,
        2 ** 53,
        typeof value === "string" ? 7 : "7",
        typeof value === "boolean" ? 1 : true,
      ];
      for (const kind of kinds) {
        expect({ name, kind, code: refused({ ...message, [name]: kind }) }).toEqual({
          name,
          kind,
          code: "control_invalid",
        });
      }
    }
  });

  test.each(messages)("C1 %s is read without unknown fields", (_, message) => {
    const more = { ...message, later: 1, constructor: 2, toString: 3 };
    expect(parse(JSON.stringify(more).replace("{", '{"__proto__":{"polluted":true},'))).toStrictEqual(message);
  });

  test("C1 text of any kind is read or refused, nothing else", () => {
    const type = fc.constantFrom(...TYPES.keys(), "sync", "credit", "message");
    const message = fc
      .tuple(type, fc.dictionary(fc.string(), fc.jsonValue()))
      .map(([name, fields]) => ({ ...fields, type: name }));
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      message.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (one) => {
        const error = violation(() => parse(one));
        expect(["control_not_json", "control_invalid", undefined]).toContain(error?.code);
      }),
      { numRuns: 1000 },
    );
  });

  test("C1 the limit is in bytes, not in characters, and counts before anything is parsed", () => {
    const padded = (bytes: number, pad: string) => {
      const message = JSON.stringify(valid[0]?.message).slice(0, -1);
      const left = bytes - Buffer.byteLength(`${message},"pad":""}`);
      const fill = pad.repeat(left / Buffer.byteLength(pad));
      return `${message},"pad":"${fill}${"x".repeat(left - Buffer.byteLength(fill))}"}`;
    };
    for (const pad of ["x", "é", "€", "😀"]) {
      expect(Buffer.byteLength(padded(MAX_CONTROL_BYTES, pad))).toBe(MAX_CONTROL_BYTES);
      expect(codeOf(() => parse(padded(MAX_CONTROL_BYTES, pad)))).toBeUndefined();
      expect(codeOf(() => parse(padded(MAX_CONTROL_BYTES + 1, pad)))).toBe("message_too_large");
    }
    expect(codeOf(() => parse("{".repeat(MAX_CONTROL_BYTES + 1)))).toBe("message_too_large");
    expect(codeOf(() => parse("[".repeat(MAX_CONTROL_BYTES / 2) + "]".repeat(MAX_CONTROL_BYTES / 2)))).toBe(
      "control_invalid",
    );
  });
});

describe("long texts", () => {
  const message = (bytes: number) => {
    const [before, behind] = ['{"type":"message","from":{"connection":null,"subject":null},"bytes":"', '"}'];
    return before + "A".repeat(bytes - before.length - behind.length) + behind;
  };

  test("M2 a client reads a message up to its own limit, and nothing else above that of the others", () => {
    expect(codeOf(() => parseServerMessage(message(MAX_ROOM_TEXT_BYTES)))).toBeUndefined();
    expect(codeOf(() => parseServerMessage(message(MAX_ROOM_TEXT_BYTES + 1)))).toBe("message_too_large");
    expect(codeOf(() => parseServerMessage(` ${message(MAX_CONTROL_BYTES)}`))).toBe("message_too_large");
    expect(codeOf(() => parseClientMessage(message(MAX_CONTROL_BYTES + 1)))).toBe("message_too_large");
  });

  test("M2 a client reads the names of as many members as are named", () => {
    const joined = Array.from({ length: MAX_PRESENT_MEMBERS }, (_, index) => ({
      connection: `connection-${index}`,
      role: "subscribe",
      subject: "s".repeat(128),
      label: "l".repeat(MAX_LABEL_CHARS),
    }));
    const presence = { type: "presence", full: true, joined, left: [], total: joined.length };
    expect(parseServerMessage(JSON.stringify(presence))).toEqual(presence);
  });
});

describe("the body of a message", () => {
  const toClient = (body: string) =>
    parseServerMessage(`{"type":"message","from":{"connection":null,"subject":null},"body":${body}}`);
  const toRoom = (body: string) => parseClientMessage(`{"type":"message","body":${body}}`);

  test.each([
    ["arrays", (depth: number) => "[".repeat(depth) + "]".repeat(depth)],
    ["objects", (depth: number) => `${'{"a":'.repeat(depth)}0${"}".repeat(depth)}`],
  ])("M2 %s nest so deep and no deeper: nobody's stack overflows", (_, body) => {
    const codes = (depth: number) => [toClient, toRoom].map((read) => codeOf(() => read(body(depth))));
    expect(codes(MAX_BODY_DEPTH)).toEqual([undefined, undefined]);
    expect(codes(MAX_BODY_DEPTH + 1)).toEqual(["control_invalid", "control_invalid"]);
    expect(codes(1300)).toEqual(["control_invalid", "control_invalid"]);
    expect(codeOf(() => toClient(body(16_000)))).toBe("control_invalid");
  });

  test("M2 any JSON is read unchanged", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (body) => {
        fc.pre(body.length < MAX_CONTROL_BYTES / 4);
        for (const read of [toClient, toRoom]) {
          expect(read(body)).toMatchObject({ type: "message", body: JSON.parse(body) });
        }
      }),
    );
  });
});

describe("types that are not known", () => {
  const unknown = fc.oneof(
    fc.string(),
    fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "INIT"),
  );
  const known = new Set(vectors.control.room.valid.map(({ message }) => message.type));
  const anything = fc.tuple(unknown, fc.dictionary(fc.string(), fc.jsonValue()));

  test("C1 a client ignores them, whatever they carry", () => {
    fc.assert(
      fc.property(anything, ([type, fields]) => {
        fc.pre(!known.has(type));
        expect(parseServerMessage(JSON.stringify({ ...fields, type }))).toBeUndefined();
      }),
    );
  });

  test("C1 a room refuses them, whatever they carry", () => {
    fc.assert(
      fc.property(anything, ([type, fields]) => {
        fc.pre(!["sync", "gap", "credit", "message"].includes(type));
        expect(codeOf(() => parseClientMessage(JSON.stringify({ ...fields, type })))).toBe("control_invalid");
      }),
    );
  });
});
