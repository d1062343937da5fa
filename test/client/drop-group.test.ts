// `drop-group`: which frames are dropped when the buffer is full, which stay, and how the room learns it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAME_MEMORY_BYTES } from "../../client/backlog.ts";
import { Publisher, type PublisherOptions } from "../../client/index.ts";
import { Flag, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import { GAPS_PER_SECOND } from "../../protocol/limits.ts";
import type { SplitFrame } from "../../protocol/splitter.ts";
import { FakeEnvironment, type FakeSocket, settle } from "./support/fake.ts";
import { accept, ack, read, text, WELCOME } from "./support/room.ts";

/** A frame of one byte in a message, and in memory. */
const ONE = HEADER_BYTES + 1;
const ONE_KEPT = FRAME_MEMORY_BYTES + 1;

/**
 * A publisher whose buffer has space for `frames` frames of one byte, in front of a room with a window for `window`.
 */
function start(frames: number, window: number, options: Partial<PublisherOptions> = {}) {
  const environment = new FakeEnvironment();
  const fixed = { url: "http://host", room: "r", token: "t", onFull: "drop-group", environment } as const;
  const publisher = new Publisher({ ...fixed, maxBufferBytes: frames * ONE_KEPT, ...options });
  const { socket } = environment;
  open(socket, window);
  return { environment, publisher, socket };
}

function open(socket: FakeSocket, window: number, sequence = 0) {
  socket.open();
  socket.deliver(WELCOME);
  socket.deliver(accept({ window: window * ONE, sequence }));
}

/** Everything that was sent: frames in the form of `read`, controls as JSON. */
function sent(socket: FakeSocket): unknown[] {
  return socket.sent
    .filter((data) => data !== "ping")
    .flatMap((data) => (typeof data === "string" ? [JSON.parse(data)] : read(data)));
}

const key = (name: string) => text(name, Flag.key);
const gap = (from: number, to: number) => ({ type: "gap", from, to, reason: "ingest" });

describe("a full buffer", () => {
  test("T16 drops the oldest whole group that was not sent, and tells it in its place", async () => {
    const { publisher, socket } = start(6, 2);
    await publisher.write([key("a"), text("b"), text("c")]);
    await publisher.write([key("d"), text("e")]);
    await publisher.write([key("f"), text("g")]);
    expect(publisher.stats).toMatchObject({ droppedGroups: 1, droppedFrames: 2, droppedBytes: 2 });
    socket.deliver(ack(2, 100 * ONE));
    await settle();
    expect(sent(socket)).toEqual(["f2 0:a", "1:b", "2:c", { type: "sync", sequence: 3 }, gap(3, 4), "f6 5:f", "6:g"]);
  });

  test("T16 a group that was begun is never dropped: its writer waits", async () => {
    const { publisher, socket } = start(3, 1);
    await publisher.write([key("a")]);
    const written = publisher.write([text("b"), text("c"), text("d")]);
    let isWritten = false;
    written.then(() => {
      isWritten = true;
    });
    await settle();
    expect(isWritten).toBe(false);
    expect(publisher.stats.droppedFrames).toBe(0);
    socket.deliver(ack(1, 100 * ONE));
    socket.deliver(ack(4, 100 * ONE));
    await written;
  });

  test("T16 drops the newest group with all that is still to come of it", async () => {
    const { publisher, socket } = start(4, 1);
    await publisher.write([key("a")]);
    await publisher.write([key("b"), text("c"), text("d"), text("e")]);
    await publisher.write([text("f")]);
    await publisher.write([key("g")]);
    socket.deliver(ack(1, 100 * ONE));
    expect(sent(socket).slice(1)).toEqual([{ type: "sync", sequence: 1 }, gap(1, 5), "f6 6:g"]);
    expect(publisher.stats).toMatchObject({ droppedGroups: 1, droppedFrames: 5 });
  });

  test("T16 keeps the newest init of the dropped frames", async () => {
    const { publisher, socket } = start(4, 1);
    await publisher.write([key("a")]);
    await publisher.write([key("b"), text("I", Flag.init), key("c"), text("J", Flag.init), key("d")]);
    socket.deliver(ack(1, 100 * ONE));
    expect(sent(socket).slice(1)).toEqual([{ type: "sync", sequence: 1 }, gap(1, 3), "f5 4:J", "f2 5:d"]);
  });

  test("T16 an unacknowledged gap is sent again", async () => {
    const { environment, publisher, socket } = start(3, 1);
    await publisher.write([key("a")]);
    await publisher.write([key("b"), text("c"), key("d")]);
    socket.deliver(ack(1, 100 * ONE));
    await environment.redial();
    open(environment.socket, 100, 1);
    expect(sent(environment.socket)).toEqual([{ type: "sync", sequence: 1 }, gap(1, 2), "f6 3:d"]);
    environment.socket.deliver(ack(4, 100 * ONE));
    expect(publisher.stats).toMatchObject({ bufferedBytes: 0, unackedBytes: 0 });
  });

  test("T16 P2 frames after a gap do not continue the stream, in a new epoch either", async () => {
    const { environment, publisher, socket } = start(3, 1);
    await publisher.write([key("a")]);
    await publisher.write([key("b"), text("c"), text("d")]);
    socket.deliver(ack(0, 100 * ONE));
    expect(sent(socket)).toEqual(["f2 0:a", { type: "sync", sequence: 1 }, gap(1, 3)]);
    await environment.redial();
    environment.socket.open();
    environment.socket.deliver(WELCOME);
    environment.socket.deliver(accept({ epoch: "e2", window: 100 * ONE, sequence: 10 }));
    await publisher.write([key("e")]);
    await settle();
    const again = ["f6 10:a", { type: "sync", sequence: 11 }, gap(11, 13)];
    expect(sent(environment.socket)).toEqual([...again, "f6 14:e"]);
  });

  test("the end is never dropped", async () => {
    const { publisher, socket } = start(2, 1);
    await publisher.write([key("a")]);
    await publisher.write([key("b"), text("c")]);
    const ended = publisher.end();
    socket.deliver(ack(1, 100 * ONE));
    socket.deliver(ack(4, 100 * ONE));
    await ended;
    expect(sent(socket).at(-1)).toBe("f12 3:");
  });

  test("reports each change of the buffer, and 0 at the end", async () => {
    const told: number[] = [];
    const { publisher, socket } = start(9, 9, { onBuffered: (bytes) => told.push(bytes) });
    await publisher.write([key("a"), text("b")]);
    socket.deliver(ack(1, 9 * ONE));
    publisher.close();
    expect([told.includes(2 * ONE_KEPT), told.at(-2), told.at(-1)]).toEqual([true, ONE_KEPT, 0]);
  });
});

test("P7 T16 a source of single frames that drops all the time tells few gaps, and all that it dropped", async () => {
  const { environment, publisher, socket } = start(4, 2);
  const room = new ModelRoom();
  for (let written = 0; written < 2000; written++) {
    publisher.write([key("x")]);
    await environment.advance(5);
    room.receive(socket);
    if (written % 3 === 0) socket.deliver(ack(room.next, 2 * ONE));
  }
  expect(room.gaps.length).toBeGreaterThan(20);
  expect(room.gaps.length).toBeLessThanOrEqual(10 * GAPS_PER_SECOND);
  expect(room.next - room.frames.length).toBeGreaterThan(500);
});

/** Accepts data by rule P3, and records the gaps. */
class ModelRoom {
  readonly frames: { payload: number; flags: number }[] = [];
  readonly gaps: number[] = [];
  next = 0;
  #read = 0;

  receive(socket: FakeSocket): void {
    for (const data of socket.sent.slice(this.#read)) {
      if (typeof data !== "string") {
        for (const { sequence, flags, start } of readMessage(data)) {
          expect(sequence).toBe(this.next++);
          this.frames.push({ payload: data[start] ?? -1, flags });
        }
      } else if (data.includes('"gap"')) {
        const { from, to } = JSON.parse(data);
        expect(from).toBe(this.next);
        expect(to).toBeGreaterThanOrEqual(from);
        this.gaps.push(this.frames.length);
        this.next = to + 1;
      }
    }
    this.#read = socket.sent.length;
  }
}

test("T16 P3 whatever is dropped: sequences are dense, order holds, only whole groups are missing", async () => {
  const step = fc.oneof(
    fc.record({ write: fc.array(fc.constantFrom(0, 0, Flag.key, Flag.init), { maxLength: 6 }) }),
    fc.constant({ ack: true as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 2, max: 9 }), async (steps, frames) => {
      const { environment, publisher, socket } = start(frames, 2);
      const room = new ModelRoom();
      const written: number[] = [];
      for (const one of steps) {
        if ("write" in one) {
          const list = one.write.map(
            (flags, index): SplitFrame => ({ payload: Uint8Array.of(written.length + index), flags }),
          );
          written.push(...one.write);
          publisher.write(list);
        } else {
          room.receive(socket);
          socket.deliver(ack(room.next, 2 * ONE));
        }
        await settle();
      }
      publisher.end();
      for (let round = 0; round < 400 && room.next <= written.length; round++) {
        room.receive(socket);
        socket.deliver(ack(room.next, 2 * ONE));
        await environment.advance(100);
      }
      checkGroups(room, written);
      expect(publisher.stats.droppedFrames).toBe(written.length + 1 - room.frames.length);
    }),
    { numRuns: 150 },
  );
});

function checkGroups(room: ModelRoom, written: readonly number[]): void {
  const got = room.frames.slice(0, -1).map(({ payload }) => payload);
  expect(got).toEqual([...got].sort((a, b) => a - b));
  expect(room.next).toBe(written.length + 1);
  const kept = new Set(got);
  for (const [index, flags] of written.entries()) {
    if (flags !== 0 || index === 0) continue;
    // A frame is dropped with the previous one, which may have been a kept init.
    const before = written[index - 1];
    if (before !== Flag.init) expect(kept.has(index)).toBe(kept.has(index - 1));
  }
}
