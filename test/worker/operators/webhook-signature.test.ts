// Signatures of webhooks, checked with the library of the specification.
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { isWebhookSecret, secretOf, signed } from "../../../worker/operators/webhook-signature.ts";

const OPERATOR = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
const BODY = JSON.stringify({ type: "room.created", data: { title: "Grüße" } });

test("E3 signed webhooks are verified, with each of two secrets, within the window and not outside it", async () => {
  const now = Math.floor(Date.now() / 1000);
  const ofRoom = await secretOf("room", 1, "secret");
  const headers = await signed("evt_room_1_1", now, BODY, [OPERATOR, ofRoom]);
  for (const secret of [OPERATOR, ofRoom]) expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  const other = new Webhook(await secretOf("room", 2, "secret"));
  expect(() => other.verify(BODY, headers)).toThrow(/signature/i);
  expect(() => new Webhook(OPERATOR).verify(`${BODY} `, headers)).toThrow(/signature/i);
  for (const seconds of [now - 400, now + 400]) {
    const old = await signed("evt_room_1_1", seconds, BODY, [OPERATOR]);
    expect(() => new Webhook(OPERATOR).verify(BODY, old)).toThrow(/timestamp/i);
  }
});

test("E3 a secret has 24 to 64 bytes, and each room its own", async () => {
  const of = (bytes: number) => `whsec_${btoa("x".repeat(bytes))}`;
  expect([of(23), of(65), "whsec_", "whsec_!!", btoa("x".repeat(32))].filter(isWebhookSecret)).toEqual([]);
  const own = await Promise.all([
    secretOf("a", 1, "s"),
    secretOf("b", 1, "s"),
    secretOf("a", 2, "s"),
    secretOf("a", 1, "t"),
  ]);
  expect([of(24), of(64), ...own].filter((secret) => !isWebhookSecret(secret))).toEqual([]);
  expect(new Set(own).size).toBe(4);
});
