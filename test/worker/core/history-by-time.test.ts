// History by time and by position while subscribers join: exact to about a second.
import { expect, test } from "vitest";
import { encodeMessage, Flag, FrameType, readMessage } from "../../../protocol/frame.ts";
import { parseStart } from "../../../protocol/position.ts";
import { newHub } from "./support/hub.ts";
import { Wire } from "./support/wire.ts";

const WHO = { subject: undefined, jti: "t", issuedAt: 0, expiresAt: null };
const BEGIN = 1_000_000;
const SECONDS = 150;
const PER_SECOND = 50;

/** 50 small records a second, each a group; every ten seconds a subscriber joins, gets everything, and leaves. */
function room() {
  const { hub } = newHub();
  let now = BEGIN;
  hub.restore(now, []);
  const publisher = new Wire(true);
  hub.publish(now, "p", WHO, { track: "main", resume: null, unacknowledged: null, takeover: false }, publisher);
  const join = (start: string) => {
    const wire = new Wire(true);
    const subscription = { framed: true, tracks: null, delivery: "live", start: parseStart(start) } as const;
    hub.subscribe(now, `s${start}`, WHO, subscription, wire);
    for (let due = hub.dueAt; due !== undefined && due <= now + 100; due = hub.dueAt) hub.tick(due);
    hub.left(now, `s${start}`, true);
    return wire.down;
  };
  for (let sequence = 0; sequence < SECONDS * PER_SECOND; sequence++) {
    const payload = new Uint8Array(100);
    const frame = { type: FrameType.frame, flags: Flag.key, track: 0, sequence, timestamp: 0, payload };
    now = BEGIN + (sequence * 1000) / PER_SECOND;
    hub.binary(now, "p", encodeMessage([frame]));
    if (sequence % (10 * PER_SECOND) === 0) join("-60");
  }
  const oldest = () => hub.snapshot(now).tracks[0]?.oldest ?? Number.NaN;
  return { join, keptSeconds: () => SECONDS - oldest() / PER_SECOND };
}

function sequencesOf(down: readonly (string | Uint8Array)[]): number[] {
  return down.flatMap((one) => (typeof one === "string" ? [] : readMessage(one).map(({ sequence }) => sequence)));
}

test("S4 history holds a minute and at most a second more, after any reads", () => {
  const { keptSeconds } = room();
  expect(keptSeconds()).toBeGreaterThanOrEqual(60);
  expect(keptSeconds()).toBeLessThanOrEqual(61.1);
});

test("W5 start=-30 begins 30 s ago, to a second", () => {
  const [first = Number.NaN] = sequencesOf(room().join("-30"));
  const seconds = SECONDS - first / PER_SECOND;
  expect(seconds).toBeGreaterThanOrEqual(30);
  expect(seconds).toBeLessThanOrEqual(31.1);
});

test("S4 a resume at 55 s gets exactly the following frames, and no gap", () => {
  const from = (SECONDS - 55) * PER_SECOND;
  const down = room().join(`e0.${from}`);
  expect(down.filter((one) => typeof one === "string" && one.includes('"gap"'))).toEqual([]);
  expect(sequencesOf(down)).toEqual(Array.from({ length: 55 * PER_SECOND }, (_, index) => from + index));
});
