// The published test vectors, all of them.
import { describe, expect, test } from "vitest";
import { afterClose, Close } from "../../protocol/close.ts";
import { parseClientMessage, parseServerMessage } from "../../protocol/control.ts";
import { encodeMessage, readMessage } from "../../protocol/frame.ts";
import { formatPosition, parsePosition, parseStart } from "../../protocol/position.ts";
import { PreambleReader } from "../../protocol/preamble.ts";
import { codeOf } from "./support/errors.ts";
import { framesOf } from "./support/frames.ts";
import { rules } from "./support/protocol-text.ts";
import { bytesOf, textOf, titled, vectors } from "./support/vectors.ts";

const read = (line: string) => new PreambleReader().push(new Uint8Array(Buffer.from(line)));

describe("messages", () => {
  test.each(titled(vectors.messages.valid, ({ name }) => name))("F1 %s is read, and written", (_, vector) => {
    const frames = vector.frames.map((frame) => ({
      ...frame,
      payload: new Uint8Array(Buffer.from(frame.payload, "hex")),
    }));
    const all = Array.from({ length: vector.repeat ?? 1 }, () => frames).flat();
    expect(framesOf(bytesOf(vector))).toEqual(all);
    expect(Buffer.compare(encodeMessage(all), bytesOf(vector))).toBe(0);
  });

  test.each(titled(vectors.messages.invalid, ({ name }) => name))("F1 %s is refused", (_, vector) => {
    expect(codeOf(() => readMessage(bytesOf(vector)))).toBe(vector.error);
    expect(rules).toContain(vector.rule);
  });
});

describe("control messages", () => {
  const { room, client } = vectors.control;

  test.each(titled(room.valid, ({ text }) => text))("C1 a client reads %s", (_, { text, message }) => {
    expect(parseServerMessage(text)).toEqual(message);
  });

  test.each(room.ignored)("C1 a client ignores %s", (text) => {
    expect(parseServerMessage(text)).toBeUndefined();
  });

  test.each(titled(room.invalid, ({ text }) => text))("C1 a client refuses %s", (_, vector) => {
    expect(codeOf(() => parseServerMessage(textOf(vector)))).toBe(vector.error);
  });

  test.each(titled(client.valid, ({ text }) => text))("C1 a room reads %s", (_, { text, message }) => {
    expect(parseClientMessage(text)).toEqual(message);
  });

  test.each(titled(client.invalid, ({ text }) => text))("C1 a room refuses %s", (_, vector) => {
    expect(codeOf(() => parseClientMessage(textOf(vector)))).toBe(vector.error);
  });
});

describe("positions", () => {
  test.each(vectors.starts.valid)("$text is a start", ({ text, start }) => {
    expect(parseStart(text)).toEqual(start);
  });

  test.each(vectors.starts.invalid)("%j is not a start", (text) => {
    expect(codeOf(() => parseStart(text))).toBe("position_invalid");
  });

  test.each(vectors.positions.valid)("$text is a position", ({ text, epoch, sequence }) => {
    expect(parsePosition(text)).toEqual({ epoch, sequence });
    expect(formatPosition({ epoch, sequence })).toBe(text);
  });

  test.each(vectors.positions.invalid)("%j is not a position", (text) => {
    expect(codeOf(() => parsePosition(text))).toBe("position_invalid");
  });
});

describe("preambles", () => {
  test.each(titled(vectors.preambles.valid, ({ line }) => line))(
    "%s is read",
    (_, { line, framing, rest, ...fields }) => {
      const result = read(line);
      expect(result?.preamble).toEqual({ ...fields, framing: framing ?? undefined });
      expect(Buffer.from(result?.rest ?? []).toString()).toBe(rest);
    },
  );

  test.each(titled(vectors.preambles.invalid, ({ line }) => line))("%s is refused", (_, vector) => {
    expect(codeOf(() => read(textOf(vector)))).toBe(vector.error);
  });
});

describe("closes", () => {
  test("R1 the codes and names are ours", () => {
    expect(Object.values(Close)).toEqual(vectors.closeCodes);
  });

  test.each(vectors.closes)("R2 after $code $text", ({ code, text, retryAfterMs }) => {
    expect(afterClose(code, text)).toEqual(
      retryAfterMs === null ? { retry: false } : { retry: true, afterMs: retryAfterMs },
    );
  });
});
