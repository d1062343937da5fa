// Assignments: sent once, repeated if lost, without a look at all relays for each frame.
import { expect, test } from "vitest";
import type { Assignment } from "../../../worker/core/assignment.ts";
import { Assignments } from "../../../worker/core/assignments.ts";

const ROOM = "room";
const PART = { settings: {}, revocations: [], idsAreTold: false };

function setUp(relays: number) {
  const said: [string, Assignment][] = [];
  const rows = Array.from({ length: relays }, (_, index) => ({ id: idOf(index), openedAt: 0, draining: false }));
  const teller = { assign: (relay: string, assignment: Assignment) => void said.push([relay, assignment]) };
  return { said, assignments: new Assignments(ROOM, rows, teller, () => PART) };
}

const idOf = (index: number) => `${ROOM}~enam~${index}`;

test("an unreachable relay gets its assignment again, and its parent learns of it when the relay knows", () => {
  const { said, assignments } = setUp(1);
  assignments.add(1000, idOf(1));
  expect(said.map(([relay]) => relay)).toEqual([idOf(1)]);
  assignments.failed(1000, idOf(1));
  const again = assignments.dueAt ?? 0;
  assignments.tick(again - 1);
  expect(said).toHaveLength(1);
  assignments.tick(again);
  expect(said[1]?.[0]).toBe(idOf(1));
  assignments.assigned(idOf(1), said[1]?.[1].version ?? 0);
  assignments.tick(again);
  expect(said[2]).toMatchObject([idOf(0), { children: [idOf(1)] }]);
});

test("an obsolete assignment is not due forever", () => {
  const { assignments } = setUp(1);
  assignments.drain(1000, idOf(0), 5000);
  assignments.failed(1000, idOf(0));
  assignments.add(1001, idOf(0));
  const { dueAt } = assignments;
  if (dueAt !== undefined) assignments.tick(dueAt);
  expect(assignments.dueAt).toBeUndefined();
});

test("four thousand relays cost a room that has nothing to tell next to nothing", () => {
  const { said, assignments } = setUp(4000);
  for (let now = 0; now < 10_000; now++) assignments.tick(now);
  expect(said).toEqual([]);
  assignments.policyChanged(10_000);
  expect(said).toHaveLength(4000);
});
