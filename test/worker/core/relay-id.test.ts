// The names of relays contain the tree.
import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_LINKS } from "../../../worker/core/growth-limits.ts";
import { REGIONS } from "../../../worker/core/region.ts";
import { parentOf, parseRelayId, relayId } from "../../../worker/core/relay-id.ts";

test("an id is read as it was written", () => {
  const name = fc.record({
    room: fc.constantFrom("a", "my-room_1"),
    region: fc.constantFrom(...REGIONS),
    index: fc.nat(9e5),
  });
  fc.assert(
    fc.property(name, (one) => {
      expect(parseRelayId(relayId(one))).toEqual(one);
    }),
  );
});

test.each([
  "room",
  "room~weur",
  "~weur~0",
  "room~mars~0",
  "room~weur~",
  "room~weur~01",
  "room~weur~-1",
  "room~weur~1e3",
  "room~weur~1~2",
])("%s is no relay", (id) => {
  expect(parseRelayId(id)).toBeUndefined();
  expect(() => parentOf(id)).toThrow(TypeError);
});

test("one link of a region crosses the ocean, and no parent has more links than it may", () => {
  const children = new Map<string, number>();
  for (let index = 0; index < 3000; index++) {
    const parent = parentOf(relayId({ room: "r", region: "oc", index }));
    children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  expect(children.get("r")).toBe(1);
  expect(Math.max(...children.values())).toBe(MAX_LINKS);
});

test.each([
  [0, 1],
  [1, 2],
  [32, 2],
  [33, 3],
  [1056, 3],
  [1057, 4],
])("relay %i of a region is %i links from the origin", (index, links) => {
  let id = relayId({ room: "r", region: "oc", index });
  let depth = 0;
  for (; id !== "r"; id = parentOf(id)) depth++;
  expect(depth).toBe(links);
});
