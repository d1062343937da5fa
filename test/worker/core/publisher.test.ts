// A publisher in the room: acknowledged in time, held, too fast, silent.
import { describe, expect, test } from "vitest";
import { GAPS_BURST, GAPS_PER_SECOND } from "../../../protocol/limits.ts";
import { ByteBudget } from "../../../worker/core/byte-budget.ts";
import { Connection } from "../../../worker/core/connection.ts";
import { Publisher } from "../../../worker/core/publisher.ts";
import { Track } from "../../../worker/core/track.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { message } from "./support/frames.ts";
import { Wire } from "./support/wire.ts";

const WHO = { subject: undefined, jti: "t", issuedAt: 0, expiresAt: 0 };
const BEGIN = 1_000_000;

function publishing() {
  const wire = new Wire(true);
  const track = new Track("main", 0, "e0", 10_000);
  track.begin("e0", 0);
  const identity = { id: "p", role: "publish", framed: true, who: WHO } as const;
  const connection = new Connection(identity, wire, DEFAULT_TUNING, new ByteBudget(DEFAULT_TUNING), BEGIN);
  const publisher = new Publisher(connection, track, DEFAULT_TUNING);
  const receive = (sequence: number, now: number, bytes = 10) => {
    connection.heard(now);
    const incoming = publisher.receive(message(sequence, 1, { bytes }), now, () => {});
    if (incoming.is === "frames") track.append(incoming.bytes, incoming.frames, now);
    publisher.acknowledge(now, incoming.is === "duplicate");
  };
  const acks = () =>
    wire.down.flatMap((one) => (typeof one === "string" && one.includes('"ack"') ? [JSON.parse(one).sequence] : []));
  return { wire, track, publisher, receive, acks };
}

describe("acknowledgements", () => {
  test("P8 received frames are acknowledged within 250 ms, without another message", () => {
    const { publisher, receive, acks } = publishing();
    receive(0, BEGIN);
    receive(1, BEGIN + 1);
    expect(acks()).toEqual([1]);
    const due = publisher.ackDueAt ?? Number.NaN;
    expect(due - (BEGIN + 1)).toBeLessThan(250);
    publisher.tick(due - 1);
    expect(acks()).toEqual([1]);
    publisher.tick(due);
    expect(acks()).toEqual([1, 2]);
    expect(publisher.ackDueAt).toBeUndefined();
  });

  test("P8 a publisher that continues to send needs no timer for it", () => {
    const { publisher, receive, acks } = publishing();
    for (let sequence = 0; sequence < 100; sequence++) {
      const now = BEGIN + sequence * 40;
      expect(publisher.ackDueAt ?? now).toBeGreaterThanOrEqual(now);
      receive(sequence, now);
    }
    expect(acks().length).toBeGreaterThan(30);
    expect(acks().length).toBeLessThan(41);
  });

  test("P8 a publisher that does not read its acks is looked at again, and gets one when it has read", () => {
    const { wire, publisher, receive, acks } = publishing();
    receive(0, BEGIN);
    wire.send(new Uint8Array(100_000));
    receive(1, BEGIN + 150);
    expect(acks()).toEqual([1]);
    const due = publisher.ackDueAt ?? Number.NaN;
    expect(due - BEGIN).toBeGreaterThan(1000);
    while (wire.arrive() !== undefined) {}
    publisher.tick(due);
    expect(acks()).toEqual([2]);
    expect(publisher.ackDueAt).toBeUndefined();
  });
});

test("P7 more gaps than a publisher can need are too fast, a burst is not", () => {
  const { publisher } = publishing();
  for (let gap = 0; gap < GAPS_BURST; gap++) publisher.skip(gap, gap, BEGIN);
  const another = (gap: number, now: number) => () => publisher.skip(gap, gap, now);
  expect(another(GAPS_BURST, BEGIN)).toThrow(expect.objectContaining({ code: "too_fast" }));
  expect(another(GAPS_BURST, BEGIN + 1000 / GAPS_PER_SECOND)).not.toThrow();
});

test("P5 messages and pings are signs of life", () => {
  const { wire, publisher, receive } = publishing();
  const silence = DEFAULT_TUNING.publisherSilenceMs;
  expect(publisher.isSilent(BEGIN + silence)).toBe(false);
  expect(publisher.isSilent(BEGIN + silence + 1)).toBe(true);
  receive(0, BEGIN + 5000);
  expect(publisher.connection.silentSince).toBe(BEGIN + 5000);
  wire.answerPing(BEGIN + 7000);
  expect(publisher.connection.silentSince).toBe(BEGIN + 7000);
  publisher.connection.heard(BEGIN + 9000);
  expect(publisher.connection.silentSince).toBe(BEGIN + 9000);
  expect(publisher.isSilent(BEGIN + 9000 + silence + 1)).toBe(true);
});
