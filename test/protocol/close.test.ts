// Close codes, their texts, and a client's reaction to them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterClose, Close, type CloseReason, closeFor, closeText } from "../../protocol/close.ts";
import { parseClientMessage, parseServerMessage } from "../../protocol/control.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import { readMessage } from "../../protocol/frame.ts";
import { parsePosition, parseStart } from "../../protocol/position.ts";
import { PreambleReader, parseFraming, parsePreamble } from "../../protocol/preamble.ts";
import { violation } from "./support/errors.ts";
import { table, words } from "./support/protocol-text.ts";

const REASONS = Object.values(Close);
const anyReason = fc.constantFrom<CloseReason>(...REASONS);

describe("codes", () => {
  test("R2 PROTOCOL.md lists our codes, no more and no less", () => {
    const listed = table("code", "name", "when").map(([code, name = ""]) => ({
      code: Number(code),
      name: words(name)[0],
    }));
    expect(REASONS).toEqual(listed);
  });

  test("codes and names are unique, in the ranges that are ours", () => {
    expect(new Set(REASONS.map(({ code }) => code)).size).toBe(REASONS.length);
    expect(new Set(REASONS.map(({ name }) => name)).size).toBe(REASONS.length);
    expect(REASONS.every(({ code, name }) => code >= 4000 && code <= 4999 && /^[a-z_]+$/.test(name))).toBe(true);
  });

  test.each<[CloseReason, ErrorCode[]]>([
    [
      Close.badFrame,
      [
        "frame_truncated",
        "frame_bad_type",
        "frame_bad_flags",
        "frame_bad_track",
        "frame_bad_reserved",
        "frame_bad_number",
      ],
    ],
    [Close.badControl, ["control_not_json", "control_invalid", "position_invalid"]],
    [Close.tooLarge, ["payload_too_large", "init_too_large", "message_too_large", "record_too_large"]],
    [Close.notAllowed, ["not_allowed"]],
    [Close.outOfSequence, ["out_of_sequence"]],
    [Close.windowExceeded, ["window_exceeded"]],
  ])("R2 a violation closes with $name", (reason, codes) => {
    for (const code of codes) expect({ code, reason: closeFor(code) }).toEqual({ code, reason });
    for (const code of codes) expect(afterClose(closeFor(code).code, "")).toEqual({ retry: false });
  });
});

describe("texts", () => {
  test("R1 every text begins with the name, and is at most 123 bytes of printable ASCII", () => {
    const detail = fc.oneof(fc.string(), fc.string({ unit: "binary", minLength: 90, maxLength: 150 }));
    fc.assert(
      fc.property(anyReason, detail, fc.option(fc.nat(9_999_999), { nil: undefined }), (reason, one, retry) => {
        const text = closeText(reason, one, retry);
        expect(text.split(" ")[0]).toBe(reason.name);
        expect(text).toMatch(/^[\x20-\x7e]{1,123}$/);
      }),
    );
  });

  test("R1 name, delay and detail, as far as there are any", () => {
    expect(closeText(Close.slow)).toBe("slow");
    expect(closeText(Close.goingAway, "", 250)).toBe("going_away retry=250");
    expect(closeText(Close.badFrame, "type 9")).toBe("bad_frame type 9");
    expect(closeText(Close.trackBusy, "main\n", 0)).toBe("track_busy retry=0 main?");
  });

  test("R1 a refusal's text repeats no part of the refused input", () => {
    const secret = "SECRETTOKEN";
    const message = new Uint8Array(Buffer.from(secret.repeat(9)));
    const refusals = [
      () => readMessage(message),
      () => readMessage(Uint8Array.of(1, 0, 0, 0, ...message)),
      () => parseClientMessage(secret),
      () => parseClientMessage(JSON.stringify({ type: secret, token: secret })),
      () => parseClientMessage(JSON.stringify({ type: "sync", sequence: secret })),
      () => parseServerMessage(JSON.stringify({ type: "ack", sequence: secret })),
      () => parseClientMessage(secret.repeat(1000)),
      () => parseStart(secret),
      () => parseStart(`${secret}:e1.1,${secret}:e1.1`),
      () => parsePosition(`${secret}:e1.1`),
      () => parsePreamble(secret),
      () => parsePreamble(`ROOMCAST/2 token=${secret}`),
      () => parsePreamble(`ROOMCAST/1 room=a/b token=${secret}`),
      () => parsePreamble(`ROOMCAST/1 room=demo token=${secret}+`),
      () => parsePreamble(`ROOMCAST/1 room=demo token=${secret} token=${secret}`),
      () => parsePreamble(`ROOMCAST/1 room=demo token=${secret} ${secret}=${secret}`),
      () => parsePreamble(`ROOMCAST/1 room=demo token=t track=${secret}/`),
      () => parseFraming(secret),
      () => new PreambleReader().push(new Uint8Array(Buffer.from(`ROOMCAST/1 token=${secret}\u0000`))),
      () => new PreambleReader().push(new Uint8Array(Buffer.from(`ROOMCAST/1 token=${secret.repeat(500)}`))),
    ];
    for (const [index, refusal] of refusals.entries()) {
      const error = violation(refusal);
      expect({ index, code: error?.code }).toEqual({ index, code: expect.any(String) });
      expect(error?.message).not.toMatch(/SECRET/i);
      expect(closeText(closeFor(error?.code ?? "not_allowed"), error?.message)).toMatch(/^[a-z_]+ [\x20-\x7e]+$/);
    }
  });
});

describe("after a close", () => {
  test("R2 the range decides, except for four codes of RFC 6455", () => {
    const final = Array.from({ length: 4000 }, (_, index) => 1000 + index).filter(
      (code) => !afterClose(code, "").retry,
    );
    expect(final).toEqual([1002, 1003, 1007, 1009, ...Array.from({ length: 500 }, (_, index) => 4500 + index)]);
  });

  test("R2 the delay that was said is the delay that is kept, whatever the detail", () => {
    const comeBack = fc.constantFrom<CloseReason>(...REASONS.filter(({ code }) => code < 4500));
    fc.assert(
      fc.property(comeBack, fc.string({ maxLength: 200 }), fc.nat(9_999_999), (reason, detail, retry) => {
        expect(afterClose(reason.code, closeText(reason, detail, retry))).toEqual({ retry: true, afterMs: retry });
      }),
    );
  });

  test("R2 text of any kind gives a delay that is a number, within three hours", () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.constant("slow retry="), fc.string()).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(fc.integer({ min: 4000, max: 4499 }), text, (code, one) => {
        const after = afterClose(code, one);
        expect(after.retry && Number.isSafeInteger(after.afterMs) && after.afterMs >= 0).toBe(true);
        expect(after.retry && after.afterMs).toBeLessThan(3 * 3600 * 1000);
      }),
    );
  });
});
