// Addresses: the same over the WebSocket and over HTTP.
import fc from "fast-check";
import { expect, test } from "vitest";
import { address } from "../../protocol/messages.ts";
import { messageBody } from "../../worker/schemas.ts";

const overHttp = (to: unknown) => messageBody.safeParse({ to, body: null }).success;

test.each([
  ["everybody", "all", true],
  ["a connection", { connection: "c" }, true],
  ["a user", { subject: "s".repeat(128) }, true],
  ["another word", "some", false],
  ["nobody", {}, false],
  ["two at once", { connection: "c", subject: "s" }, false],
  ["a field that is not known", { connection: "c", later: 1 }, false],
  ["an empty id", { connection: "" }, false],
  ["an id that is too long", { connection: "c".repeat(65) }, false],
  ["a subject that is too long", { subject: "s".repeat(129) }, false],
  ["a list", [{ connection: "c" }], false],
  ["null", null, false],
])("M3 %s", (_, to, isAddress) => {
  expect([address(to) !== undefined, overHttp(to)]).toEqual([isAddress, isAddress]);
});

test("M3 whatever it is, both say the same", () => {
  const field = fc.constantFrom("connection", "subject", "later");
  const to = fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.oneof(fc.string({ maxLength: 130 }), fc.jsonValue())));
  fc.assert(fc.property(to, (one) => (address(one) !== undefined) === overHttp(one)));
});
