// A start in the past, beyond the room's history: the recording and the room together deliver every frame once.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Environment } from "../../client/environment.ts";
import { type FrameEvent, Subscriber, type SubscriberEvent } from "../../client/index.ts";
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { parseStart } from "../../protocol/position.ts";
import { pageOf } from "../../worker/core/recording-view.ts";
// Loaded before time is simulated: the client loads it on demand, which takes real time.
import "../../client/rewind.ts";
import { randomFrom } from "../support/chaos-proxy.ts";
import { RecorderWorld } from "../worker/core/support/recorder-world.ts";
import { FakeSocket, settle } from "./support/fake.ts";

const RUNS = { numRuns: Number(process.env.ROOMCAST_RUNS ?? 60) };
const HISTORY_MS = 10_000;

/** A room with a recorder, and a client that uses both. Time passes with the published frames. */
class World {
  readonly recorder: RecorderWorld;
  readonly #random: () => number;
  readonly #timers = new Set<{ at: number; run: () => void }>();
  #socket: FakeSocket | undefined;
  #sent = 0;
  /** One in this number of the bucket's answers is an error. */
  fails = 0;
  requests = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.recorder = new RecorderWorld(random, 10_000_000);
    this.recorder.link();
  }

  readonly environment: Environment = {
    dial: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      this.#socket = socket;
      this.#sent = Number.POSITIVE_INFINITY;
      this.environment.setTimeout(() => this.#accept(socket), 20);
      return socket;
    },
    now: () => this.recorder.now,
    random: () => 0.5,
    setTimeout: (run, ms) => {
      const timer = { at: this.recorder.now + ms, run };
      this.#timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void this.#timers.delete(timer as { at: number; run: () => void }),
    download: async (url) => {
      this.requests++;
      if (this.#random() < this.fails) return { status: 503, bytes: new Uint8Array() };
      return this.#answer(new URL(url));
    },
  };

  #answer({ pathname, searchParams }: URL): { status: number; bytes: Uint8Array } {
    const json = (value: unknown) => ({ status: 200, bytes: new TextEncoder().encode(JSON.stringify(value)) });
    if (pathname === "/api/rooms/r/recordings") {
      const { segments } = this.recorder.core.rows.totals;
      return json({ recordings: [{ track: "main", segments, isLive: true, from: 1 }] });
    }
    if (pathname === "/api/rooms/r/tracks/main/segments") return json(this.#page(searchParams));
    const bytes = this.recorder.bucket.get(pathname.slice(1));
    return bytes === undefined ? { status: 404, bytes: new Uint8Array() } : { status: 200, bytes };
  }

  #page(query: URLSearchParams) {
    const from = query.get("from");
    const after = query.get("after");
    const place = from === null ? null : placeOf(from, this.recorder.now);
    const range = { from: place, after: after === null ? null : Number(after), to: null, limit: 3, frames: true };
    const page = pageOf(this.recorder.core, this.recorder.now, range);
    const segments = page.segments.map(({ name, init, ...rest }) => ({
      ...rest,
      url: `/${name}`,
      init: init && { url: `/${init.name}`, bytes: init.bytes },
    }));
    return { ...page, now: this.recorder.now, segments, next: page.hasMore ? segments.at(-1)?.id : null };
  }

  /** The room's answer to `?start=` at a position, or at its newest group. */
  #accept(socket: FakeSocket): void {
    const { published, epoch, historyFrom } = this.recorder;
    const start = parseStart(socket.query("start") ?? "group");
    const [position] = start.at === "position" ? start.positions : [];
    const group = published.findLastIndex(({ flags }) => (flags & Flag.key) !== 0);
    // A room keeps its newest group, however old it is.
    const isHere = position?.epoch === epoch && position.sequence >= Math.min(historyFrom, Math.max(0, group));
    this.#sent = isHere ? position.sequence : Math.max(0, group);
    socket.open();
    socket.deliver({ type: "welcome", connection: "c", room: "r", now: this.recorder.now });
    socket.deliver({ type: "track", track: 3, name: "main", epoch, sequence: this.#sent });
    if (position?.epoch === epoch && !isHere && position.sequence < this.#sent) {
      socket.deliver({
        type: "gap",
        name: "main",
        epoch,
        from: position.sequence,
        to: this.#sent - 1,
        reason: "history",
      });
    }
    this.#deliver();
  }

  #deliver(): void {
    const frames = this.recorder.published.slice(this.#sent).map((frame, index) => ({
      ...frame,
      type: FrameType.frame,
      track: 3,
      sequence: this.#sent + index,
    }));
    if (frames.length > 0) this.#socket?.deliver(encodeMessage(frames));
    if (Number.isFinite(this.#sent)) this.#sent += frames.length;
  }

  /** A moment of the stream. Frames older than `HISTORY_MS` leave the room. */
  async step(count: number, everyMs: number, groupFrames: number): Promise<void> {
    this.recorder.publish(count, 40, everyMs, groupFrames, false);
    this.recorder.settle(Math.floor(this.#random() * 12));
    const { published, now } = this.recorder;
    this.recorder.forget(published.filter(({ timestamp }) => timestamp >= now - HISTORY_MS).length);
    this.#deliver();
    for (const timer of [...this.#timers]) {
      if (timer.at > now) continue;
      this.#timers.delete(timer);
      timer.run();
    }
    for (let turns = 0; turns < 6; turns++) await settle();
  }
}

function placeOf(text: string, now: number) {
  const start = parseStart(text);
  if (start.at === "rewind") return { by: "time" as const, time: now - start.seconds * 1000 };
  const [position] = start.at === "position" ? start.positions : [];
  return position === undefined ? null : { by: "position" as const, ...position };
}

/** Reads until `last` has arrived. */
function read(subscriber: Subscriber, into: SubscriberEvent[]): Promise<void> {
  return (async () => {
    for await (const event of subscriber) into.push(event);
  })();
}

const isFrame = (event: SubscriberEvent): event is FrameEvent => event.type === "frame";

test("A9 a start beyond the room's history is served from the recording: nothing twice, nothing missing at the seam", async () => {
  const stream = fc.record({
    seed: fc.nat(),
    everyMs: fc.constantFrom(40, 100, 250),
    groupMs: fc.constantFrom(500, 2000, 6000, 14_000),
    seconds: fc.integer({ min: 50, max: 120 }),
    start: fc.oneof(fc.constant("-45"), fc.constant("-20"), fc.nat({ max: 99 })),
    fails: fc.constantFrom(0, 0.2),
  });
  await fc.assert(
    fc.asyncProperty(stream, async ({ seed, everyMs, groupMs, seconds, start, fails }) => {
      const world = new World(randomFrom(seed));
      const { recorder } = world;
      const perStep = Math.ceil(400 / everyMs);
      const groupFrames = Math.max(2, Math.round(groupMs / everyMs));
      const step = () => world.step(perStep, everyMs, groupFrames);
      while (recorder.published.length * everyMs < seconds * 1000) await step();
      world.fails = fails;
      const asked = recorder.now;
      const at = Math.floor((recorder.published.length * Number(start)) / 100);
      const begin = typeof start === "string" ? start : `${recorder.epoch}.${at}`;
      const { environment } = world;
      const subscriber = new Subscriber({ url: "http://x", room: "r", token: "t", start: begin, environment });
      const events: SubscriberEvent[] = [];
      const reading = read(subscriber, events);
      const arrived = () => events.findLast(isFrame)?.sequence ?? -1;
      for (let steps = 0; steps < 120 || (arrived() < recorder.published.length - 1 && steps < 400); steps++)
        await step();
      subscriber.close();
      await reading;

      const frames = events.filter(isFrame);
      expect(events.filter(({ type }) => type === "gap")).toEqual([]);
      const [first] = frames;
      expect(frames.map(({ sequence }) => sequence)).toEqual(frames.map((_, index) => (first?.sequence ?? 0) + index));
      expect(frames.at(-1)?.sequence).toBe(recorder.published.length - 1);
      for (const { sequence, payload, flags, timestamp } of frames) {
        const published = recorder.published[sequence];
        if (published === undefined) throw new Error(`${sequence} was never published`);
        expect({ flags, timestamp }).toEqual({ flags: published.flags, timestamp: published.timestamp });
        expect(Buffer.compare(payload, published.payload)).toBe(0);
      }
      if (typeof start !== "string") expect(first?.sequence).toBe(at);
      else if (fails === 0)
        expect(asked - (first?.timestamp ?? 0)).toBeGreaterThanOrEqual(-Number(start) * 1000 - 1000);
      expect(subscriber.stats.frames).toBe(frames.length);
    }),
    {
      ...RUNS,
      examples: [[{ seed: 0, everyMs: 40, groupMs: 14_000, seconds: 66, start: 85, fails: 0 }]],
    },
  );
}, 60_000);

test("A9 without a recording, a start in the past is the room's alone", async () => {
  const world = new World(randomFrom(3));
  const environment: Environment = {
    ...world.environment,
    download: async () => ({ status: 404, bytes: new Uint8Array() }),
  };
  for (let steps = 0; steps < 60; steps++) await world.step(4, 100, 10);
  const subscriber = new Subscriber({ url: "http://x", room: "r", token: "t", start: "-45", environment });
  const events: SubscriberEvent[] = [];
  const reading = read(subscriber, events);
  for (let steps = 0; steps < 10; steps++) await world.step(4, 100, 10);
  subscriber.close();
  await reading;
  expect(events.filter(isFrame).at(-1)?.sequence).toBe(world.recorder.published.length - 1);
});
