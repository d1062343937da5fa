// The messages between parent and relay, by the published vectors.
import { expect, test } from "vitest";
import { MAX_LINK_TEXT_BYTES } from "../../protocol/limits.ts";
import { commonVersion, parseParentMessage, parseRelayMessage } from "../../protocol/link.ts";
import { parentOf } from "../../worker/core/relay-id.ts";
import { codeOf } from "./support/errors.ts";
import { titled, vectors } from "./support/vectors.ts";

const { relay, parent, versions, ids } = vectors.links;

test.each(titled(relay.valid, ({ text }) => text))("L3 L5 L6 L7 a parent reads %s", (_, { text, message }) => {
  expect(parseRelayMessage(text)).toEqual(message);
});

test.each(relay.ignored)("L10 a parent ignores %s", (text) => {
  expect(parseRelayMessage(text)).toBeUndefined();
});

test.each(titled(relay.invalid, ({ text }) => text))("L10 a parent refuses %s", (_, { text, error }) => {
  expect(codeOf(() => parseRelayMessage(text))).toBe(error);
});

test("L10 a text that is too large is refused before it is parsed", () => {
  const text = " ".repeat(MAX_LINK_TEXT_BYTES + 1);
  expect(codeOf(() => parseRelayMessage(text))).toBe("message_too_large");
});

test.each(titled(parent.valid, ({ text }) => text))("L7 a relay reads %s", (_, { text, message }) => {
  expect(parseParentMessage(text)).toEqual(message);
});

test.each(parent.other)("L10 %s is none of the messages that only a parent says", (text) => {
  expect(parseParentMessage(text)).toBeUndefined();
});

test.each(versions)("L2 $parent and $relay speak $common", ({ parent, relay, common }) => {
  expect(commonVersion(parent, relay) ?? null).toBe(common);
  expect(commonVersion(relay, parent) ?? null).toBe(common);
});

test.each(ids)("L1 $parent is the parent of $id", ({ id, parent }) => {
  expect(parentOf(id)).toBe(parent);
});
