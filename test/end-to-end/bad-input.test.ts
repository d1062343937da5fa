// A peer that breaks a rule loses its own connection, for the documented reason, and harms nobody else.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Publisher } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Close, type CloseReason } from "../../protocol/close.ts";
import { Flag, FrameType, HEADER_BYTES } from "../../protocol/frame.ts";
import {
  MAX_CONTROL_BYTES,
  MAX_INIT_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_FRAMES,
  MAX_PAYLOAD_BYTES,
  MAX_PREAMBLE_BYTES,
} from "../../protocol/limits.ts";
import { Producer } from "../ingest-bridge/support/producer.ts";
import { BareSocket } from "../support/bare-socket.ts";
import { startTestBridge } from "../support/bridge.ts";
import { createRoom, reliableToken, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { FramedSubscriber, type Target } from "../support/subscribers.ts";
import { within } from "../support/wait.ts";

const MIB = 1024 * 1024;

let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestRuntime();
});

afterAll(() => runtime?.close());

/** The fields of a frame on the wire, valid or not. */
interface Wire {
  readonly type?: number;
  readonly flags?: number;
  readonly track?: number;
  readonly reserved?: number;
  readonly sequence?: number | bigint;
  /** The length in the header; default: the actual length. */
  readonly length?: number;
  readonly payload?: Uint8Array;
}

function frame(wire: Wire): Buffer {
  const { type = FrameType.frame, flags = Flag.key, track = 0, reserved = 0, sequence = 1 } = wire;
  const { payload = Buffer.from("bad"), length = payload.byteLength } = wire;
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([type, flags, track, reserved]);
  header.writeUInt32BE(length, 4);
  header.writeBigUInt64BE(BigInt(sequence), 8);
  header.writeBigUInt64BE(BigInt(Date.now()), 16);
  return Buffer.concat([header, payload]);
}

/** A room with a well-behaved publisher and subscriber. */
class Bystanders implements AsyncDisposable {
  readonly room: TestRoom;
  readonly subscriber: FramedSubscriber;
  readonly #publisher: Publisher;
  /** The received frames, by track. */
  readonly #received: Map<string, string[]>;
  #written = 0;

  private constructor(room: TestRoom, subscriber: FramedSubscriber, received: Map<string, string[]>) {
    this.room = room;
    this.subscriber = subscriber;
    this.#received = received;
    const { room: id, tokens } = room;
    const token = tokens.publish;
    this.#publisher = new Publisher({
      url: runtime.url,
      room: id,
      token,
      track: "steady",
      environment: nodeEnvironment,
    });
  }

  static async gather(): Promise<Bystanders> {
    const room = await createRoom(runtime.url);
    const received = new Map<string, string[]>();
    const subscriber = await FramedSubscriber.join(targetOf(room, "subscribe"), {
      onFrame: ({ track, payload }) =>
        received.set(track, [...(received.get(track) ?? []), String(Buffer.from(payload))]),
    });
    const bystanders = new Bystanders(room, subscriber, received);
    await bystanders.goOn();
    return bystanders;
  }

  received(track: string): readonly string[] {
    return this.#received.get(track) ?? [];
  }

  /** Resolves when another frame has passed from the publisher to the subscriber, on their original connections. */
  async goOn(): Promise<void> {
    const payload = Buffer.from(`steady ${this.#written++}`);
    await this.#publisher.write([{ payload, flags: Flag.key }]);
    await this.subscriber.until(String(payload), () => this.received("steady").length === this.#written);
    expect(this.received("steady").at(-1)).toBe(String(payload));
    expect([this.#publisher.stats.reconnects, this.subscriber.connects]).toEqual([0, 1]);
    expect(this.subscriber.gaps.filter(({ track }) => track === "steady")).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher.close();
    await this.subscriber[Symbol.asyncDispose]();
  }
}

function targetOf({ room, tokens }: TestRoom, right: "publish" | "subscribe"): Target {
  return { url: runtime.url, room, token: tokens[right] };
}

/** Publishes one valid frame into the track `bad`; the next sequence would be 1. */
async function offender(bystanders: Bystanders): Promise<{ socket: BareSocket; track: number }> {
  const socket = await BareSocket.open(targetOf(bystanders.room, "publish"), { role: "publish", track: "bad" });
  const track = Number((await socket.told("publish")).track);
  socket.send(frame({ track, sequence: 0, payload: Buffer.from("good") }));
  await bystanders.subscriber.until("the good frame", () => bystanders.received("bad").length === 1);
  return { socket, track };
}

async function expectEnd(socket: BareSocket, { code, name }: CloseReason, detail: string): Promise<void> {
  const ending = await socket.ending();
  expect(ending.code).toBe(code);
  expect(ending.reason.startsWith(`${name} ${detail}`), ending.reason).toBe(true);
}

describe("W6 R1 a publisher that breaks a rule is closed, and only that one", () => {
  type Case = readonly [
    what: string,
    reason: CloseReason,
    detail: string,
    data: (track: number) => Uint8Array | string,
  ];
  const good = (track: number, sequence = 1) => frame({ track, sequence });

  const cases: readonly Case[] = [
    ["F2 a header that promises more", Close.badFrame, "frame_truncated", (track) => frame({ track, length: 100 })],
    ["F2 half a header", Close.badFrame, "frame_truncated", (track) => good(track).subarray(0, 12)],
    ["F2 an empty message", Close.badFrame, "frame_truncated", () => new Uint8Array()],
    [
      "F1 a good frame before a bad one",
      Close.badFrame,
      "frame_bad_flags",
      (track) => Buffer.concat([good(track), frame({ track, sequence: 2, flags: 32 })]),
    ],
    ["F3 an unknown type", Close.badFrame, "frame_bad_type", (track) => frame({ track, type: 3 })],
    ["F3 an unknown flag", Close.badFrame, "frame_bad_flags", (track) => frame({ track, flags: 16 })],
    ["F3 a track number above 15", Close.badFrame, "frame_bad_track", () => frame({ track: 16 })],
    ["F3 a reserved byte", Close.badFrame, "frame_bad_reserved", (track) => frame({ track, reserved: 1 })],
    ["F3 a number above 2^53-1", Close.badFrame, "frame_bad_number", (track) => frame({ track, sequence: 2n ** 53n })],
    ["F3 another track's number", Close.badFrame, "frame_bad_track", (track) => frame({ track: track === 0 ? 1 : 0 })],
    [
      "F4 a header that announces more than a payload may have",
      Close.tooLarge,
      "payload_too_large",
      (track) => frame({ track, length: MAX_PAYLOAD_BYTES + 1 }),
    ],
    [
      "F4 an init that is too large",
      Close.tooLarge,
      "init_too_large",
      (track) => frame({ track, flags: Flag.init, payload: new Uint8Array(MAX_INIT_BYTES + 1) }),
    ],
    [
      "F4 a message that is too large",
      Close.tooLarge,
      "message_too_large",
      (track) => {
        const first = frame({ track, payload: new Uint8Array(MAX_MESSAGE_BYTES / 2) });
        return Buffer.concat([first, frame({ track, sequence: 2, payload: new Uint8Array(MAX_MESSAGE_BYTES / 2) })]);
      },
    ],
    [
      "F4 a message of too many frames",
      Close.tooLarge,
      "message_too_large",
      (track) => Buffer.concat(Array.from({ length: MAX_MESSAGE_FRAMES + 1 }, (_, at) => good(track, 1 + at))),
    ],
    ["P3 F5 a sequence that jumps", Close.outOfSequence, "out_of_sequence", (track) => good(track, 2)],
    [
      "F5 a jump inside a message",
      Close.outOfSequence,
      "out_of_sequence",
      (track) => Buffer.concat([good(track, 1), good(track, 3)]),
    ],
    [
      "P6 an init copy that does not stand alone",
      Close.badFrame,
      "frame_bad_type",
      (track) => Buffer.concat([frame({ track, type: FrameType.init, sequence: 0 }), good(track)]),
    ],
    ["C1 a text that is no JSON", Close.badControl, "control_not_json", () => "hello"],
    ["C1 an unknown type of message", Close.badControl, "control_invalid", () => '{"type":"dance"}'],
    ["C1 a message without its field", Close.badControl, "control_invalid", () => '{"type":"gap","from":1}'],
    ["C1 a text that is too long", Close.tooLarge, "message_too_large", () => " ".repeat(MAX_CONTROL_BYTES + 1)],
    ["W7 credit", Close.notAllowed, "not_allowed", () => '{"type":"credit","bytes":1}'],
  ];

  test.each(cases)("%s", async (_, reason, detail, data) => {
    await using bystanders = await Bystanders.gather();
    const { socket, track } = await offender(bystanders);
    await using _offender = socket;
    socket.send(data(track));
    await expectEnd(socket, reason, detail);
    await bystanders.goOn();
    expect(bystanders.received("bad"), "nothing of the bad message took effect").toEqual(["good"]);
  });

  test("P4 one that continues against a closed window", async () => {
    await using bystanders = await Bystanders.gather();
    const { socket, track } = await offender(bystanders);
    await using _offender = socket;
    // A subscriber that gives no credit, and for which the room may skip nothing.
    const query = { tracks: "bad", delivery: "reliable" };
    const token = await reliableToken(bystanders.room.room);
    await using _stalled = await BareSocket.open({ ...targetOf(bystanders.room, "subscribe"), token }, query);
    const payload = Buffer.alloc(MIB);
    for (let sequence = 1; sequence <= 20; sequence++) socket.send(frame({ track, sequence, payload }));
    await expectEnd(socket, Close.windowExceeded, "window_exceeded");
    await bystanders.goOn();
  });

  test("P5 a second one on the same track", async () => {
    await using bystanders = await Bystanders.gather();
    const { socket: first, track } = await offender(bystanders);
    await using _first = first;
    const query = { role: "publish", track: "bad" };
    await using second = await BareSocket.open(targetOf(bystanders.room, "publish"), query);
    const ending = await second.ending();
    expect(ending.code).toBe(Close.trackBusy.code);
    expect(ending.reason).toMatch(/^track_busy retry=\d+$/);
    first.send(frame({ track, sequence: 1, payload: Buffer.from("still here") }));
    await bystanders.subscriber.until("the next frame", () => bystanders.received("bad").length === 2);
    expect(bystanders.received("bad")).toEqual(["good", "still here"]);
    await bystanders.goOn();
  });
});

test("P5 R2 a replaced publisher learns it, and stays away", async () => {
  await using bystanders = await Bystanders.gather();
  const options = { ...targetOf(bystanders.room, "publish"), track: "bad", environment: nodeEnvironment };
  const first = new Publisher(options);
  await first.ready();
  const second = new Publisher({ ...options, takeover: true });
  await second.ready();
  expect(await within("the end of the first", first.closed)).toMatchObject({ code: "taken_over" });
  await second.write([{ payload: Buffer.from("mine"), flags: Flag.key }]);
  await bystanders.subscriber.until("its frame", () => bystanders.received("bad").length === 1);
  await bystanders.goOn();
  second.close();
});

describe("W6 W7 a subscriber that breaks a rule is closed, and only that one", () => {
  const cases: readonly (readonly [string, CloseReason, string, Uint8Array | string])[] = [
    ["a frame", Close.notAllowed, "not_allowed", frame({})],
    ["a message for publishers: sync", Close.notAllowed, "not_allowed", '{"type":"sync","sequence":0}'],
    [
      "a message for publishers: gap",
      Close.notAllowed,
      "not_allowed",
      '{"type":"gap","from":0,"to":1,"reason":"ingest"}',
    ],
    ["C1 a text that is no JSON", Close.badControl, "control_not_json", "{"],
    ["C1 an unknown type of message", Close.badControl, "control_invalid", '{"type":"dance"}'],
    ["C1 credit of no bytes", Close.badControl, "control_invalid", '{"type":"credit","bytes":0}'],
  ];

  test.each(cases)("%s", async (_, reason, detail, data) => {
    await using bystanders = await Bystanders.gather();
    await using socket = await BareSocket.open(targetOf(bystanders.room, "subscribe"), {});
    await socket.told("track");
    socket.send(data);
    await expectEnd(socket, reason, detail);
    await bystanders.goOn();
  });
});

describe("a producer that breaks a rule of the bridge gets the reason and is cut off, and only that one", () => {
  const cases: readonly (readonly [what: string, code: string, sends: (room: TestRoom) => string])[] = [
    ["a preamble without an end", "preamble_too_long", () => `ROOMCAST/1 room=${"x".repeat(MAX_PREAMBLE_BYTES)}`],
    ["no preamble", "preamble_invalid", () => "GET / HTTP/1.1\r\n\r\n"],
    ["a preamble without a room", "preamble_invalid", ({ tokens }) => `ROOMCAST/1 token=${tokens.publish}\n`],
    [
      "an unknown field",
      "preamble_invalid",
      ({ room, tokens }) => `ROOMCAST/1 room=${room} token=${tokens.publish} x=1\n`,
    ],
    [
      "an unknown version",
      "preamble_version",
      ({ room, tokens }) => `ROOMCAST/2 room=${room} token=${tokens.publish}\n`,
    ],
    [
      "a framing that is none",
      "framing_unknown",
      ({ room, tokens }) => `ROOMCAST/1 room=${room} token=${tokens.publish} framing=avi\n`,
    ],
    ["a preamble that does not come", "preamble_timeout", ({ room }) => `ROOMCAST/1 room=${room} tok`],
    [
      "a track that has a publisher",
      "track_busy",
      ({ room, tokens }) => `ROOMCAST/1 room=${room} token=${tokens.publish} track=steady\n`,
    ],
    [
      "a record that is too large",
      "record_too_large",
      ({ room, tokens }) =>
        `ROOMCAST/1 room=${room} token=${tokens.publish} track=bad framing=length32\n\x7f\x7f\x7f\x7f`,
    ],
  ];

  test.each(cases)("%s: %s", async (_, code, sends) => {
    await using bystanders = await Bystanders.gather();
    await using bridge = await startTestBridge(runtime.url, { services: { preambleTimeoutMs: 1000 } });
    const { room, tokens } = bystanders.room;
    const other = await Producer.connect(bridge.port, `ROOMCAST/1 room=${room} token=${tokens.publish} track=other\n`);
    await other.lines(1);
    const producer = await Producer.connect(bridge.port, sends(bystanders.room));
    expect(await producer.hungUp()).toMatch(new RegExp(`^(OK connection=\\w+\n)?ERROR ${code} [ -~]+\n$`));
    other.socket.write("still here");
    await bystanders.subscriber.until("the other producer's bytes", () => bystanders.received("other").length === 1);
    expect(bystanders.received("other")).toEqual(["still here"]);
    expect(bystanders.received("bad")).toEqual([]);
    await bystanders.goOn();
    other.socket.destroy();
  });
});
