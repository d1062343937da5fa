// With any cuts, every frame arrives exactly once and in order.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Publisher } from "../../client/publisher.ts";
import { type FrameView, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import { FakeEnvironment, type FakeSocket, settle } from "./support/fake.ts";
import { accept, ack, WELCOME } from "./support/room.ts";

type Step =
  /** Payload sizes of frames that are written in one turn. */
  | { readonly do: "write"; readonly sizes: readonly number[] }
  /** The room receives `messages` of the messages on their way, then acknowledges a part of its frames. */
  | { readonly do: "receive"; readonly messages: number; readonly share: number }
  /** The connection is cut; data on its way is lost. */
  | { readonly do: "cut" };

/** Keeps received frames; checks numbering (P3), the window (P4) and the track's number. */
class ModelRoom {
  readonly received: number[] = [];
  readonly #environment: FakeEnvironment;
  readonly #window: number;
  #socket: FakeSocket | undefined;
  #connections = 0;
  #read = 0;
  #next = 0;
  #acknowledged = 0;

  constructor(environment: FakeEnvironment, window: number) {
    this.#environment = environment;
    this.#window = window;
  }

  connect(): void {
    const { socket } = this.#environment;
    const resume = socket.query("resume");
    if (resume !== null) expect(resume).toBe(`e1.${this.#acknowledged}`);
    this.#socket = socket;
    this.#read = 0;
    this.#acknowledged = this.#next;
    this.#connections++;
    socket.open();
    socket.deliver(WELCOME);
    socket.deliver(accept({ sequence: this.#next, window: this.#window, track: this.#connections % 16 }));
  }

  receive(messages: number, share: number): void {
    this.#checkWindow();
    for (const message of this.#socket?.messages.slice(this.#read, this.#read + messages) ?? []) {
      for (const frame of readMessage(message)) this.#receive(frame, message);
      this.#read++;
    }
    this.#acknowledged += Math.floor((this.#next - this.#acknowledged) * share);
    this.#socket?.deliver(ack(this.#acknowledged, this.#window));
    this.#checkWindow();
  }

  #receive(frame: FrameView, message: Uint8Array): void {
    expect(frame.sequence).toBe(this.#next);
    expect(frame.track).toBe(this.#connections % 16);
    this.#next++;
    if (frame.end > frame.start) this.received.push(new DataView(message.buffer).getUint32(frame.start));
  }

  #checkWindow(): void {
    const beyond = (frame: FrameView) => frame.sequence >= this.#acknowledged;
    const messages = (this.#socket?.messages ?? []).map((message) => readMessage(message).filter(beyond));
    const bytes = messages.flat().reduce((sum, frame) => sum + HEADER_BYTES + frame.end - frame.start, 0);
    if (bytes > this.#window) expect(messages.filter((frames) => frames.length > 0)).toHaveLength(1);
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    sizes: fc.array(fc.oneof(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 4, max: 90_000 })), { maxLength: 12 }),
  }),
  fc.record({
    do: fc.constant("receive" as const),
    messages: fc.nat(4),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ do: fc.constant("cut" as const) }),
);

test("P2 P3 P4 whatever is cut, every frame arrives exactly once and in order", async () => {
  const windows = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(200_000));
  await fc.assert(
    fc.asyncProperty(windows, fc.array(step, { minLength: 5, maxLength: 30 }), async (window, steps) => {
      const environment = new FakeEnvironment();
      const publisher = new Publisher({ url: "http://host", room: "r", token: "t", environment });
      const room = new ModelRoom(environment, window);
      let written = 0;
      room.connect();
      for (const one of steps) {
        if (one.do === "write")
          publisher.write(one.sizes.map((size) => ({ payload: numbered(written++, size), flags: 0 })));
        else if (one.do === "receive") room.receive(one.messages, one.share);
        else {
          await environment.redial();
          room.connect();
        }
        await settle();
      }
      let over = false;
      const ended = publisher.end().then(() => {
        over = true;
      });
      while (!over) {
        room.receive(10, 1);
        await settle();
      }
      await ended;
      expect(room.received).toEqual(Array.from({ length: written }, (_, index) => index));
      expect(environment.timers).toBe(0);
    }),
    { numRuns: 100 },
  );
});

function numbered(index: number, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  new DataView(payload.buffer).setUint32(0, index);
  return payload;
}
