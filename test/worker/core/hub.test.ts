// The room's decisions one by one, on connections that are delivered by hand.
import { describe, expect, test } from "vitest";
import { Flag, FrameType, HEADER_BYTES, readMessage } from "../../../protocol/frame.ts";
import { GAPS_BURST } from "../../../protocol/limits.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { FRAME_BYTES, heard, message, room } from "./support/scripted-hub.ts";

describe("joining", () => {
  test("S1 S3 S5 a newcomer gets track, init, the group so far, and then caught-up", () => {
    const it = room();
    const publisher = it.publish();
    it.hub.binary(it.now, publisher.id, message(0, Flag.init));
    publisher.frames(1, 6, [1, 4]);
    expect(heard(it.subscribe(), "track", "caught-up", "gap")).toEqual([
      "track main e0.4",
      "init",
      4,
      5,
      6,
      "caught-up",
    ]);
  });

  test("S3 the init of the group is served, not one that came later in it", () => {
    const it = room();
    const publisher = it.publish();
    it.hub.binary(it.now, publisher.id, message(0, Flag.init, 10));
    publisher.frames(1, 2, [1]);
    it.hub.binary(it.now, publisher.id, message(3, Flag.init, 20));
    const subscriber = it.subscribe();
    const sizes = [...subscriber.down].flatMap((one) =>
      typeof one === "string" ? [] : readMessage(one).map(({ start, end }) => end - start),
    );
    expect(sizes).toEqual([10, FRAME_BYTES, FRAME_BYTES, 20]);
  });

  test("F6 F7 an init in the stream replaces the one before; its copy takes no place in the sequence", () => {
    const it = room();
    const publisher = it.publish();
    it.hub.binary(it.now, publisher.id, message(0, Flag.init, 10));
    publisher.frames(1, 1, [1]);
    it.hub.binary(it.now, publisher.id, message(2, Flag.init, 30));
    publisher.frames(3, 3, [3]);
    const late = it.subscribe();
    publisher.frames(4, 4);
    const [copy] = late.down.flatMap((one) => (typeof one === "string" ? [] : readMessage(one)));
    expect(copy).toMatchObject({ type: FrameType.init, sequence: 2, start: HEADER_BYTES, end: HEADER_BYTES + 30 });
    expect(heard(late, "gap")).toEqual(["init", 3, 4]);
  });

  test("F8 who is there before the first frame gets all of them, key or not", () => {
    const it = room();
    const subscriber = it.subscribe();
    it.publish().frames(0, 3, [2]);
    expect(heard(subscriber, "gap")).toEqual([0, 1, 2, 3]);
  });

  test("F8 who comes before the first frame gets all of them, though the source is there already", () => {
    const it = room();
    const publisher = it.publish();
    const subscriber = it.subscribe();
    const frames = [0, 1, 2].map((sequence) => message(sequence, Flag.key));
    it.hub.binary(it.now, publisher.id, Buffer.concat(frames));
    expect(heard(subscriber, "gap")).toEqual([0, 1, 2]);
  });

  test("W5 start=live waits for the next group", () => {
    const it = room();
    const publisher = it.publish();
    publisher.frames(0, 2, [0]);
    const subscriber = it.subscribe({ start: "live" });
    publisher.frames(3, 6, [5]);
    expect(heard(subscriber)).toEqual([5, 6]);
  });

  test("W5 start=-SECONDS begins at the group that was current then", () => {
    const it = room();
    const publisher = it.publish();
    for (let group = 0; group < 5; group++) {
      publisher.frames(group * 2, group * 2 + 1, [group * 2]);
      it.pass(1000);
    }
    expect(heard(it.subscribe({ start: "-2.5" }), "gap")).toEqual([4, 5, 6, 7, 8, 9]);
    expect(heard(it.subscribe({ start: "-60" }), "gap")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("S4 a resume inside history gets exactly the following frames; outside it gets a gap", () => {
    const it = room({ historyBytes: 2500, blockBytes: 300 });
    const publisher = it.publish();
    publisher.frames(0, 19, [0, 6, 12, 18]);
    const resume = (start: string) => {
      const subscriber = it.subscribe({ start });
      it.pass(20);
      return heard(subscriber, "gap");
    };
    expect(resume("e0.16")).toEqual([16, 17, 18, 19]);
    expect(resume("e0.20")).toEqual([]);
    expect(resume("e0.3")).toEqual(["gap e0.3-17 history", 18, 19]);
  });

  test("S4 a resume in another epoch gets a gap, and starts at the newest group", () => {
    const it = room();
    it.publish().frames(0, 3, [0, 2]);
    expect(heard(it.subscribe({ start: "old.7" }), "gap")).toEqual(["gap old.7-null epoch", 2, 3]);
  });

  test("W2 plain mode is init and payloads, and no text", () => {
    const it = room();
    const publisher = it.publish();
    it.hub.binary(it.now, publisher.id, message(0, Flag.init, 10));
    publisher.frames(1, 2, [1]);
    const plain = it.subscribe({ framed: false, tracks: ["main"] });
    publisher.frames(3, 3);
    it.hub.binary(it.now, publisher.id, message(4, Flag.end, 0));
    expect(plain.down.map((one) => (typeof one === "string" ? one : one.byteLength))).toEqual([
      10,
      2 * FRAME_BYTES,
      FRAME_BYTES,
    ]);
  });
});

describe("lagging", () => {
  const settings = { queueBytes: 2500, historyBytes: 100_000, lateMs: 1000, lateFloorBytes: 100 };

  test("S6 who has a full queue gets no more until it has drained, and misses nothing that it may still get", () => {
    const it = room(settings, true);
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 99, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(subscriber.queuedBytes).toBeLessThanOrEqual(settings.queueBytes);
    const all = [];
    for (let turn = 0; turn < 20; turn++) {
      all.push(...heard(subscriber, "gap"));
      it.pass(50);
    }
    expect(all).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test("S6 who is late gets nothing until all of it got through, then a gap and a group", () => {
    const it = room(settings, true);
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 99, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    it.pass(1500);
    const first = heard(subscriber, "gap");
    expect(first).toEqual(Array.from({ length: first.length }, (_, index) => index));
    it.pass(1000);
    expect(heard(subscriber, "gap")).toEqual([
      `gap e0.${first.length}-89 lagged`,
      90,
      91,
      92,
      93,
      94,
      95,
      96,
      97,
      98,
      99,
    ]);
  });

  test("S6 a subscriber that drains within its group continues there, with nothing lost", () => {
    const it = room(settings, true);
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 30, [0]);
    it.pass(1500);
    const first = heard(subscriber, "gap");
    it.pass(1000);
    expect([...first, ...heard(subscriber, "gap")]).toEqual(Array.from({ length: 31 }, (_, index) => index));
  });

  test("S7 a subscriber that stays stalled is closed as slow and may reconnect", () => {
    const it = room({ ...settings, stalledMs: 5000 }, true);
    const subscriber = it.subscribe();
    it.publish().frames(0, 99, [0, 50]);
    it.pass(4900);
    expect(it.hub.snapshot(it.now).subscribers).toBe(1);
    it.pass(500);
    expect(it.hub.snapshot(it.now).subscribers).toBe(0);
    // The close goes behind the queue.
    heard(subscriber);
    it.pass(1100);
    expect(subscriber.closed).toEqual({ code: 4001, text: "slow retry=2000" });
  });

  test("W4 latest: a second group does not queue behind a first one that is stuck", () => {
    const it = room({ historyBytes: 10_000_000 });
    const subscriber = it.subscribe({ delivery: "latest" });
    const publisher = it.publish();
    publisher.frames(0, 29, [0, 10, 20], 50_000);
    const first = heard(subscriber, "gap");
    expect(first.length).toBeLessThan(8);
    it.pass(1000);
    expect(heard(subscriber, "gap").slice(0, 2)).toEqual([`gap e0.${first.length}-19 lagged`, 20]);
  });

  test("W4 reliable: by credit, and the publisher's window closes while it is far behind", () => {
    const it = room({ historyBytes: 10_000 });
    const subscriber = it.subscribe({ delivery: "reliable" });
    const publisher = it.publish();
    publisher.frames(0, 49, [0, 10, 20, 30, 40]);
    expect(heard(subscriber)).toEqual([]);
    const windows = publisher.down.flatMap((one) =>
      typeof one === "string" && one.includes('"ack"') ? [JSON.parse(one).window] : [],
    );
    expect(windows.at(-1)).toBe(0);
    it.hub.text(it.now, subscriber.id, '{"type":"credit","bytes":100000}');
    expect(heard(subscriber, "gap")).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(JSON.parse(String(publisher.down.at(-1))).window).toBe(DEFAULT_TUNING.publisherWindowBytes);
  });

  test("P4 a publisher that continues against a closed window is closed", () => {
    const it = room({ historyBytes: 10_000, publisherWindowBytes: 1000 });
    it.subscribe({ delivery: "reliable" });
    const publisher = it.publish();
    publisher.frames(0, 99, [0]);
    publisher.frames(100, 103, [], 2_000_000);
    expect(publisher.closed?.code).toBe(4505);
  });

  test("a client that never pings, where the runtime tells nothing, is closed after its allowance", () => {
    const it = room({ allowanceBytes: 1000 });
    const subscriber = it.subscribe({}, false);
    it.publish().frames(0, 20, [0]);
    expect(subscriber.closed?.code).toBe(4005);
  });

  test("over its budget the room gathers, and what arrives together leaves together", () => {
    const it = room({ sendBudget: 100, gatherMs: 50 });
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 99, [0]);
    const before = subscriber.down.filter((one) => typeof one !== "string").length;
    expect(before).toBeLessThanOrEqual(10);
    it.pass(50);
    expect(subscriber.down.filter((one) => typeof one !== "string").length).toBe(before + 1);
    expect(heard(subscriber)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(it.hub.snapshot(it.now).tracks[0]?.gathered).toBeGreaterThan(80);
  });
});

describe("publishing", () => {
  test("P1 a new publisher begins a new epoch, and subscribers learn it", () => {
    const it = room();
    const subscriber = it.subscribe();
    const first = it.publish();
    first.frames(0, 1, [0]);
    it.hub.left(it.now, first.id, true);
    it.publish().frames(0, 1, [0]);
    const words = heard(subscriber, "track", "source", "gap");
    expect(words).toEqual(["main online", "track main e0.0", 0, 1, "track main e1.0", 0, 1]);
  });

  test("P2 P3 one that reconnects continues in its epoch; duplicates are dropped", () => {
    const it = room();
    const subscriber = it.subscribe();
    const first = it.publish();
    first.frames(0, 4, [0]);
    it.hub.left(it.now, first.id, true);
    const back = it.publish({ resume: { epoch: "e0", sequence: 2 } });
    expect(JSON.parse(String(back.down[1]))).toMatchObject({ type: "publish", epoch: "e0", sequence: 5 });
    back.frames(2, 6);
    expect(heard(subscriber, "gap", "track")).toEqual(["track main e0.0", 0, 1, 2, 3, 4, 5, 6]);
  });

  test("P3 a frame that leaves one out is refused, and nothing of it is delivered", () => {
    const it = room();
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 0, [0]);
    publisher.frames(2, 2);
    expect(publisher.closed?.code).toBe(4504);
    expect(heard(subscriber)).toEqual([0]);
  });

  test("P5 a second publisher is refused, unless it takes over", () => {
    const it = room();
    const first = it.publish();
    expect(it.publish().closed).toEqual({ code: 4003, text: "track_busy retry=2000" });
    const second = it.publish({ takeover: true });
    expect(first.closed).toEqual({ code: 4509, text: "taken_over" });
    second.frames(0, 0, [0]);
    expect(second.closed).toBeUndefined();
  });

  test("P5 its own dead connection, and one that has long been silent, are replaced at once", () => {
    const it = room();
    const first = it.publish();
    first.frames(0, 0, [0]);
    const back = it.publish({ resume: { epoch: "e0", sequence: 0 } });
    expect([first.closed?.code, back.closed]).toEqual([4509, undefined]);
    it.pass(DEFAULT_TUNING.publisherSilenceMs + 1);
    expect(it.publish().closed).toBeUndefined();
    expect(back.closed?.code).toBe(4509);
  });

  test("P7 frames that a publisher dropped become a gap in their place", () => {
    const it = room();
    const subscriber = it.subscribe();
    const publisher = it.publish();
    publisher.frames(0, 2, [0]);
    it.hub.text(it.now, publisher.id, '{"type":"gap","from":3,"to":7,"reason":"ingest"}');
    publisher.frames(8, 9, [8]);
    expect(heard(subscriber, "gap")).toEqual([0, 1, 2, "gap e0.3-7 ingest", 8, 9]);
    expect(heard(it.subscribe({ start: "e0.1" }), "gap")).toEqual([1, 2, "gap e0.3-7 ingest", 8, 9]);
  });

  test("W6 W7 who breaks a rule is closed, and nobody else notices", () => {
    const it = room();
    const [bad, good] = [it.subscribe(), it.subscribe()];
    const publisher = it.publish();
    it.hub.binary(it.now, bad.id, message(0, 0));
    expect(bad.closed?.code).toBe(4503);
    const other = it.publish({ track: "other" });
    it.hub.text(it.now, other.id, '{"type":"credit","bytes":5}');
    expect(other.closed?.code).toBe(4503);
    it.hub.text(it.now, good.id, '{"type":"sync","sequence":0}');
    expect(good.closed?.code).toBe(4503);
    publisher.frames(0, 0, [0]);
    expect(publisher.closed).toBeUndefined();
  });

  test("the room has at most 16 tracks", () => {
    const it = room();
    for (let index = 0; index < 16; index++) expect(it.publish({ track: `t${index}` }).closed).toBeUndefined();
    expect(it.publish({ track: "one-more" }).closed?.code).toBe(4004);
    expect(it.hub.snapshot(it.now).tracks).toHaveLength(16);
  });
});

test("occupancy is sent to all in framed mode, at most once a second", () => {
  const it = room();
  const first = it.subscribe();
  for (let index = 0; index < 20; index++) it.subscribe();
  it.pass(1500);
  const counts = first.down.flatMap((one) =>
    typeof one === "string" && one.includes("occupancy") ? [JSON.parse(one).subscribers] : [],
  );
  expect(counts).toEqual([1, 21]);
  expect(it.hub.dueAt).toBeUndefined();
});

describe("the format of a track", () => {
  /** The announced formats. */
  const formats = (wire: { down: readonly (string | Uint8Array)[] }) =>
    wire.down
      .flatMap((one) => (typeof one === "string" && one.startsWith("{") ? [JSON.parse(one)] : []))
      .flatMap(({ type, format }) => (type === "format" || type === "track" ? [`${type} ${format}`] : []));
  const say = (it: ReturnType<typeof room>, id: string, format: string) =>
    it.hub.text(it.now, id, JSON.stringify({ type: "format", format }));
  const told = (it: ReturnType<typeof room>) => it.hub.snapshot(it.now).tracks[0]?.format;

  test("P11 S9 is sent with the track, and again when the publisher changes it", () => {
    const it = room();
    const publisher = it.publish({ format: "a/b" });
    const subscriber = it.subscribe();
    publisher.frames(0, 1, [0]);
    say(it, publisher.id, "a/b");
    say(it, publisher.id, "c/d");
    expect(formats(subscriber)).toEqual(["track a/b", "format c/d"]);
    expect(formats(it.subscribe())).toEqual(["track c/d"]);
    expect(told(it)).toBe("c/d");
  });

  test("P11 S9 is unknown with a publisher that says none, and so in a new epoch", () => {
    const it = room();
    const first = it.publish({ format: "a/b" });
    first.frames(0, 0, [0]);
    const subscriber = it.subscribe();
    it.publish({ takeover: true }).frames(0, 0, [0]);
    expect(formats(subscriber)).toEqual(["track a/b", "format null", "track undefined"]);
    expect(told(it)).toBeNull();
  });

  test("P11 is not said by a subscriber, nor too often", () => {
    const it = room();
    const publisher = it.publish();
    const subscriber = it.subscribe();
    say(it, subscriber.id, "a/b");
    expect(subscriber.closed?.text).toMatch(/^not_allowed/);
    for (let round = 0; round <= GAPS_BURST; round++) say(it, publisher.id, `a/${round}`);
    expect(publisher.closed?.text).toMatch(/^too_fast/);
  });
});
