// The members of a room and their messages, from the events of the client.
import { expect, test } from "vitest";
import type { MemberInfo, MessageEvent, PresenceEvent } from "../../client/index.ts";
import { nameOf, People, undeliveredText } from "../../web/people.ts";

const ann: MemberInfo = { connection: "c-0001", role: "subscribe", subject: null, label: "Ann" };
const cam: MemberInfo = { connection: "c-0002", role: "publish", subject: "camera", label: null };
const presence = (fields: Partial<PresenceEvent>): PresenceEvent => ({
  type: "presence",
  full: false,
  joined: [],
  left: [],
  total: 0,
  ...fields,
});
const message = (
  connection: string | null,
  body: MessageEvent["body"],
  subject: string | null = null,
): MessageEvent => ({
  type: "message",
  from: { connection, subject },
  ...(body !== undefined && { body }),
});

test("M4 members come and go, publishers first; a full list forgets the others", () => {
  const people = new People();
  expect(people.total).toBeUndefined();
  people.presence(presence({ full: true, joined: [ann, cam], total: 7 }));
  expect([people.members.map(nameOf), people.total]).toEqual([["camera", "Ann"], 7]);
  people.presence(presence({ left: ["c-0002"], total: 6 }));
  expect(people.members).toEqual([ann]);
  people.presence(presence({ full: true, joined: [cam], total: 1 }));
  expect(people.members).toEqual([cam]);
  expect(nameOf({ ...ann, label: null })).toBe("Viewer 0001");
});

test("messages have the names of their senders, also after these have left", () => {
  const people = new People();
  people.presence(presence({ full: true, joined: [ann], total: 1 }));
  people.presence(presence({ left: [ann.connection] }));
  people.message(message(ann.connection, { text: "one" }));
  people.message(message("c-9", "two", "bob"));
  people.message(message("c-9", "three"));
  people.message(message(null, { text: "four" }));
  people.sent("five");
  expect(people.said.map(({ by, text }) => `${by}: ${text}`)).toEqual([
    "Ann: one",
    "bob: two",
    "A viewer: three",
    "The room: four",
    "You: five",
  ]);
});

test("only texts are shown, and only the newest stay", () => {
  const people = new People();
  for (const body of [undefined, null, 7, [], {}, { text: 7 }]) people.message(message("c", body));
  expect(people.said).toEqual([]);
  for (let index = 0; index < 250; index++) people.sent(`${index}`);
  expect([people.said.length, people.said[0]?.text, people.dropped]).toEqual([200, "50", 50]);
});

test("M1 why a message went nowhere is said", () => {
  const delivery = { type: "delivery", id: 1, connections: 0, skipped: 0 } as const;
  expect(undeliveredText({ ...delivery, error: null })).toBeUndefined();
  for (const error of ["not_enabled", "no_right", "too_fast", "too_large", "unknown_address"] as const)
    expect(undeliveredText({ ...delivery, error })).toMatch(/\.$/);
});
