// Generated input for all readers of producers' bytes: no crash, limits hold, payloads equal the input.
import { MAX_PAYLOAD_BYTES, MAX_PREAMBLE_BYTES } from "../../protocol/limits.ts";
import { PreambleReader } from "../../protocol/preamble.ts";
import type { Framing, SplitFrame, Splitter } from "../../protocol/splitter.ts";
import { createSplitter } from "../../protocol/splitters/index.ts";
import { randomFrom } from "./chaos-proxy.ts";

/** Small inputs never reach this limit of held-back bytes. */
const MAX_HELD_BYTES = MAX_PAYLOAD_BYTES;
const KEEPS_ALL: readonly Framing[] = ["raw", "mpegts", "fmp4", "mjpeg", "webm", "auto"];

/** Bytes with a meaning for one of the splitters. Inputs consist of these, of noise and of numbers. */
const WORDS = [
  ...["ftyp", "moov", "moof", "mdat", "styp", "trak", "\0\0\0\x08free", "\0\0\0\x10", "\0\0\x01", "\n", "\r\n"],
  ...["\xff\xd8\xff", "\xff\xd9", "\xff\xda\0\x02", "\xff\xff", "G\x40\0\x10\0", "G\x41\0\x30\x07\x50", "\0\0\0\0"],
  ...[
    "\x1a\x45\xdf\xa3\x80",
    "\x1f\x43\xb6\x75\xff",
    "\xa3\x84\x81\0\0\x80",
    "\xa0\x86\xa1\x84\x81\0\0\0",
    "\x16\x54\xae\x6b\x80",
  ],
].map((text) => Buffer.from(text, "latin1"));
const FIELDS = [
  "ROOMCAST/1",
  "ROOMCAST/2",
  "room=demo",
  "token=a.b.c",
  "track=x",
  "framing=raw",
  "framing=y",
  "room=",
  "=",
];

/** The result of a run. */
export interface FuzzReport {
  readonly inputs: number;
  readonly bytes: number;
  readonly failures: number;
}

/** Feeds `inputs` generated streams to splitters of `framing`. Throws, with the seed, if an invariant is violated. */
export function fuzzSplitter(framing: Framing, inputs: number, seed: number): FuzzReport {
  const random = randomFrom(seed);
  const report = { inputs, bytes: 0, failures: 0 };
  for (let index = 0; index < inputs; index++) {
    const stream = generate(random, framing);
    report.bytes += stream.length;
    try {
      if (!survives(framing, createSplitter(framing), stream, random)) report.failures++;
    } catch (cause) {
      throw new Error(`${framing}, seed ${seed}, input ${index}: ${stream.toString("hex")}`, { cause });
    }
  }
  return report;
}

/** The same for the preamble. */
export function fuzzPreamble(inputs: number, seed: number): FuzzReport {
  const random = randomFrom(seed);
  const report = { inputs, bytes: 0, failures: 0 };
  for (let index = 0; index < inputs; index++) {
    const line = Buffer.from(preambleLike(random), "latin1");
    report.bytes += line.length;
    const reader = new PreambleReader();
    let fed = 0;
    try {
      for (const chunk of cut(line, random)) {
        fed += chunk.length;
        if (reader.push(chunk) !== undefined) break;
        if (fed > MAX_PREAMBLE_BYTES) throw new Error(`${fed} bytes held`);
      }
    } catch (error) {
      if (!isProtocolError(error)) throw new Error(`preamble, seed ${seed}, input ${index}`, { cause: error });
      report.failures++;
    }
  }
  return report;
}

/** Returns false if the splitter refused the stream. */
function survives(framing: Framing, splitter: Splitter, stream: Buffer, random: () => number): boolean {
  const frames: SplitFrame[] = [];
  try {
    for (const chunk of cut(stream, random)) {
      frames.push(...splitter.push(new Uint8Array(chunk)));
      if (splitter.heldBytes > MAX_HELD_BYTES) throw new Error(`${splitter.heldBytes} bytes held`);
    }
    frames.push(...splitter.end());
  } catch (error) {
    if (!isProtocolError(error)) throw error;
  }
  const whole = splitter.failure === undefined;
  if (!KEEPS_ALL.includes(framing)) return whole;
  const out = Buffer.concat(frames.map(({ payload }) => payload));
  if (!out.equals(whole ? stream : stream.subarray(0, out.length))) throw new Error("the payloads are not the stream");
  return whole;
}

function generate(random: () => number, framing: Framing): Buffer {
  const parts: Buffer[] = [];
  for (let count = 1 + random() * 12; count > 0; count--) {
    const choice = random();
    if (choice < 0.5) parts.push(WORDS[Math.floor(random() * WORDS.length)] ?? Buffer.alloc(0));
    else if (choice < 0.6) parts.push(numberBelow(random, 300));
    else if (framing === "mpegts" || choice > 0.9) parts.push(packet(random));
    else parts.push(noise(random, random() * 64));
  }
  return Buffer.concat(parts);
}

function packet(random: () => number): Buffer {
  const bytes = Buffer.concat([Buffer.from([0x47]), noise(random, 187)]);
  // Low PIDs with a unit start: tables and the PIDs that they name.
  if (random() < 0.7) bytes.writeUInt16BE(0x4000 | Math.floor(random() * 4), 1);
  return random() < 0.9 ? bytes : bytes.subarray(0, random() * 188);
}

function noise(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length: Math.floor(length) }, () => random() * 256));
}

function numberBelow(random: () => number, most: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(random() * most);
  return bytes;
}

function preambleLike(random: () => number): string {
  const fields = Array.from({ length: random() * 7 }, () => FIELDS[Math.floor(random() * FIELDS.length)] ?? "");
  const padding = random() < 0.05 ? "x".repeat(random() * 6000) : "";
  const junk = random() < 0.2 ? noise(random, random() * 20).toString("latin1") : "";
  return `${random() < 0.7 ? "ROOMCAST/1 " : ""}${fields.join(" ")}${padding}${junk}${random() < 0.8 ? "\n" : ""}`;
}

function* cut(bytes: Buffer, random: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * (random() < 0.3 ? 4 : 400));
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function isProtocolError(error: unknown): boolean {
  return error instanceof Error && error.name === "ProtocolError";
}
