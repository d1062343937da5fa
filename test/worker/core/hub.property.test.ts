// The room's guarantees under all possible events: S2, P3, and the limit of queued bytes.
import fc from "fast-check";
import { describe, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { type Event, event, run } from "./support/events.ts";

const runs = { numRuns: Number(process.env.ROOMCAST_RUNS ?? 600) };

const RUNTIMES = [
  ["reports queued bytes", true],
  ["does not report queued bytes", false],
] as const;

test.each(RUNTIMES)(
  "S2 S8 each subscriber gets contiguous positions except for announced gaps, on a runtime that %s",
  (_, tells) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120, size: "max" }), (events) => run(tells, events)),
      runs,
    );
  },
  300_000,
);

/** Runs that once failed; `who` counts publishers, then subscribers. */
const FOUND: readonly (readonly [string, readonly Event[]])[] = [
  ["a subscriber that saw no track yet is forgotten in sleep", [{ do: "connect", who: 3 }, { do: "sleep" }]],
  [
    "credit is forgotten in sleep",
    [{ do: "connect", who: 6 }, { do: "arriveAtRoom", who: 6, count: 1 }, { do: "sleep" }],
  ],
  ["unacknowledged frames block a publisher after sleep", [{ do: "burst", who: 0, count: 8 }, { do: "sleep" }]],
  [
    "a reliable subscriber without credit is told nothing of an epoch that ended in sleep",
    [{ do: "burst", who: 2, count: 5 }, { do: "connect", who: 6 }, { do: "sleep" }, { do: "cut", who: 2 }],
  ],
  [
    "two tracks push out what a reliable subscriber still needs",
    [
      { do: "burst", who: 0, count: 10 },
      { do: "write", who: 5, bytes: 0, flags: 0 },
      { do: "burst", who: 8, count: 18 },
    ],
  ],
  [
    "a cursor that had not begun brings a track back under another epoch",
    [
      { do: "burst", who: 4, count: 5 },
      { do: "connect", who: 4 },
      { do: "cut", who: 1 },
      { do: "connect", who: 6 },
      { do: "sleep" },
    ],
  ],
  [
    "a gap that was told when the source left is told again after sleep",
    [
      { do: "connect", who: 7 },
      { do: "burst", who: 8, count: 5 },
      { do: "arriveAtClient", who: 7, count: 4 },
      { do: "abort" },
      { do: "connect", who: 2 },
      { do: "connect", who: 7 },
      { do: "cut", who: 2 },
      { do: "sleep" },
    ],
  ],
  [
    "an epoch that a dead room had more of ends without a word",
    [
      { do: "write", who: 0, bytes: 321, flags: Flag.discontinuity },
      { do: "connect", who: 3 },
      { do: "burst", who: 0, count: 6 },
      { do: "arriveAtClient", who: 3, count: 4 },
      { do: "abort" },
      { do: "connect", who: 0 },
      { do: "pass", ms: 14_601 },
    ],
  ],
  [
    "... and after it slept as well",
    [
      { do: "connect", who: 0 },
      { do: "connect", who: 7 },
      { do: "burst", who: 0, count: 5 },
      { do: "arriveAtClient", who: 7, count: 4 },
      { do: "abort" },
      { do: "connect", who: 7 },
      { do: "connect", who: 0 },
      { do: "cut", who: 0 },
      { do: "sleep" },
    ],
  ],
  [
    "... and after it slept before its publisher went on",
    [
      { do: "write", who: 4, bytes: 0, flags: 0 },
      { do: "write", who: 4, bytes: 0, flags: 0 },
      { do: "burst", who: 4, count: 5 },
      { do: "abort" },
      { do: "connect", who: 1 },
      { do: "sleep" },
      { do: "arriveAtClient", who: 1, count: 2 },
      { do: "send", who: 4, count: 1 },
      { do: "arriveAtRoom", who: 1, count: 1 },
      { do: "connect", who: 3 },
      { do: "pass", ms: 15_001 },
    ],
  ],
];

describe.each(RUNTIMES)("on a runtime that %s", (_, tells) => {
  test.each(FOUND)("S2 found: %s", (_name, events) => run(tells, events));
});
