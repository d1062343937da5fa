// The effects of one peer on the others, and the remains of a peer: reliable subscribers, credits, tracks, silence,
// grace.
import { describe, expect, test } from "vitest";
import { HEADER_BYTES } from "../../../protocol/frame.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { FRAME_BYTES, heard, message, room } from "./support/scripted-hub.ts";

const ONE = FRAME_BYTES + HEADER_BYTES;

/** The windows that a publisher got. */
function windows(wire: { readonly down: readonly (string | Uint8Array)[] }): number[] {
  return wire.down.flatMap((one) =>
    typeof one === "string" && one.includes('"ack"') ? [JSON.parse(one).window as number] : [],
  );
}

describe("reliable subscribers", () => {
  test("W4 one that gives no credit holds the publisher for its time, then skips and gets a gap", () => {
    const it = room({ historyBytes: 10_000, reliableHoldMs: 60_000 });
    const [slow, live] = [it.subscribe({ delivery: "reliable" }), it.subscribe()];
    const publisher = it.publish();
    publisher.frames(0, 49, [0, 10, 20, 30, 40]);
    expect(windows(publisher).at(-1)).toBe(0);
    for (let spent = 0; spent < 61_000; spent += 1000) {
      for (const wire of [publisher, slow, live]) wire.answerPing(it.now);
      it.pass(1000);
    }
    expect(windows(publisher).at(-1)).toBeGreaterThan(0);
    publisher.frames(50, 59, [50]);
    expect(heard(live, "gap")).toEqual(Array.from({ length: 60 }, (_, index) => index));
    it.hub.text(it.now, slow.id, '{"type":"credit","bytes":1000000}');
    const got = heard(slow, "gap");
    expect(String(got[0])).toMatch(/^gap e0\.0-\d9 lagged$/);
    expect(got.at(-1)).toBe(59);
  });

  test("W4 the publisher continues at once when the one that held it leaves", () => {
    const it = room({ historyBytes: 10_000 });
    const slow = it.subscribe({ delivery: "reliable" });
    const publisher = it.publish();
    publisher.frames(0, 49, [0, 10, 20, 30, 40]);
    expect(windows(publisher).at(-1)).toBe(0);
    it.hub.left(it.now, slow.id, true);
    expect(windows(publisher).at(-1)).toBeGreaterThan(0);
  });

  test("W4 the number of places is limited", () => {
    const it = room({ maxReliable: 2 });
    const wires = Array.from({ length: 3 }, () => it.subscribe({ delivery: "reliable" }));
    expect(wires.map(({ closed }) => closed?.code)).toEqual([undefined, undefined, 4004]);
    expect(it.subscribe().closed).toBeUndefined();
  });

  test("W4 a credit moves the one that gave it, and looks at nobody else", () => {
    const it = room();
    const [one, other] = [it.subscribe({ delivery: "reliable" }), it.subscribe({ delivery: "reliable" })];
    it.publish().frames(0, 9, [0]);
    let looks = 0;
    const count = other.bufferedBytes.bind(other);
    other.bufferedBytes = () => {
      looks++;
      return count();
    };
    for (let turn = 0; turn < 10; turn++) it.hub.text(it.now, one.id, `{"type":"credit","bytes":${ONE}}`);
    expect(heard(one)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(looks).toBe(0);
  });
});

describe("tracks", () => {
  test("P10 one without a publisher, of which history has forgotten everything, gives its place to another", () => {
    const it = room({ historyMs: 60_000 });
    const subscriber = it.subscribe();
    for (let index = 0; index < 16; index++) {
      const publisher = it.publish({ track: `t${index}` });
      it.hub.binary(it.now, publisher.id, message(0, 2, FRAME_BYTES, index));
      it.hub.left(it.now, publisher.id, true);
    }
    expect(it.publish({ track: "one-more" }).closed?.code).toBe(4004);
    for (let waited = 0; waited < 90_000; waited += 10_000) {
      subscriber.answerPing(it.now);
      it.pass(10_000);
    }
    heard(subscriber);
    const late = it.publish({ track: "one-more" });
    expect(late.closed).toBeUndefined();
    late.frames(0, 1, [0]);
    expect(heard(subscriber, "track", "gap")).toEqual(["track one-more e16.0", 0, 1]);
  });
});

describe("publishers that are gone", () => {
  test("P9 one that returns within its grace was never offline for subscribers", () => {
    const it = room();
    const subscriber = it.subscribe();
    const first = it.publish();
    first.frames(0, 1, [0]);
    it.hub.left(it.now, first.id, true);
    it.pass(2000);
    it.publish({ resume: { epoch: "e0", sequence: 2 }, unacknowledged: 0 }).frames(2, 2);
    expect(heard(subscriber, "source")).toEqual(["main online", 0, 1, 2]);
  });

  test("P9 one that does not return is offline after it, one that said `end` at once", () => {
    const it = room();
    const subscriber = it.subscribe();
    const [first, second] = [it.publish(), it.publish({ track: "other" })];
    first.frames(0, 0, [0]);
    it.hub.binary(it.now, second.id, message(0, 8, 0, 1));
    it.hub.left(it.now, second.id, true);
    it.hub.left(it.now, first.id, true);
    expect(heard(subscriber, "source").at(-1)).toBe("other offline");
    it.pass(DEFAULT_TUNING.publisherGraceMs - 1);
    expect(heard(subscriber, "source")).toEqual([]);
    it.pass(2);
    expect(heard(subscriber, "source")).toEqual(["main offline"]);
    expect(it.hub.dueAt).toBeUndefined();
  });

  test("W8 framed connections without a sign of life are closed when something happens, and wake nobody", () => {
    const it = room();
    const [silent, pinging, plain] = [it.subscribe(), it.subscribe(), it.subscribe({ framed: false })];
    const publisher = it.publish();
    publisher.frames(0, 0, [0]);
    it.pass(1500);
    expect(it.hub.dueAt).toBeUndefined();
    it.pass(20_000);
    pinging.answerPing(it.now);
    for (const wire of [silent, pinging, plain, publisher]) while (wire.arrive() !== undefined) {}
    it.pass(20_000);
    expect(it.registry.count).toEqual({ subscribers: 3, publishers: 1 });
    const newcomer = it.subscribe();
    it.pass(1500);
    expect([silent, pinging, plain, publisher].map(({ closed }) => closed?.code)).toEqual([
      4005,
      undefined,
      undefined,
      4005,
    ]);
    expect(heard(newcomer, "source")).toContain("main offline");
  });
});

test("S8 the queue of a closed connection counts until it has drained, and only then comes the close", () => {
  const it = room({}, true);
  const stuck = it.subscribe();
  it.publish().frames(0, 9, [0]);
  const { budget } = it.registry;
  const queued = budget.queuedBytes;
  expect(queued).toBeGreaterThan(10 * FRAME_BYTES);
  it.hub.text(it.now, stuck.id, "no json");
  expect(it.registry.count.subscribers).toBe(0);
  it.pass(60_000);
  expect(budget.queuedBytes).toBeGreaterThanOrEqual(10 * FRAME_BYTES);
  expect(stuck.closed).toBeUndefined();
  heard(stuck);
  it.pass(1100);
  expect(budget.queuedBytes).toBe(0);
  expect(stuck.closed?.code).toBe(4501);
});

test("each newcomer gets the occupancy, even if one leaves as another joins", () => {
  const it = room();
  const first = it.subscribe();
  it.pass(2000);
  it.hub.left(it.now, first.id, true);
  const newcomer = it.subscribe();
  const told = newcomer.down.filter((one) => typeof one === "string" && one.includes('"occupancy"'));
  expect(told.map((one) => JSON.parse(String(one)))).toMatchObject([{ subscribers: 1, publishers: 0 }]);
});
