// All splitters on random bytes and on damaged streams: no error but ProtocolError, no byte lost, little held back.
import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { FRAMINGS, type Framing } from "../../../protocol/splitter.ts";
import { createSplitter } from "../../../protocol/splitters/index.ts";
import { MPEGTS_MAX_HELD_BYTES } from "../../../protocol/splitters/mpegts.ts";
import { encode, PICTURE } from "./support/ffmpeg.ts";
import { chunkSizes, chunksOf, join, marks, split } from "./support/splitting.ts";

const KEEPS_ALL: Framing[] = ["raw", "mpegts", "fmp4", "mjpeg", "auto"];
const X264 = ["-t", "0.4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "3", "-pix_fmt", "yuv420p"];

const SEEDS: Partial<Record<Framing, Uint8Array>> = {
  mpegts: encode(...PICTURE, ...X264, "-f", "mpegts"),
  fmp4: encode(...PICTURE, ...X264, "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"),
  mjpeg: encode(...PICTURE, "-t", "0.2", "-pix_fmt", "yuvj420p", "-f", "mjpeg"),
};

/** Bytes replaced, removed and inserted, at places of the stream from 0 to 1. */
const damages = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.integer({ min: 0, max: 400 }),
    inserted: fc.uint8Array({ maxLength: 200 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function damage(bytes: Uint8Array, list: { place: number; removed: number; inserted: Uint8Array }[]): Uint8Array {
  let damaged = bytes;
  for (const { place, removed, inserted } of list) {
    const at = Math.floor(place * damaged.length);
    damaged = new Uint8Array(Buffer.concat([damaged.subarray(0, at), inserted, damaged.subarray(at + removed)]));
  }
  return damaged;
}

/** Splits until the end or an error, which must be a ProtocolError. The output must be a prefix of the stream. */
function survives(framing: Framing, bytes: Uint8Array, sizes: number[]): void {
  const splitter = createSplitter(framing);
  const frames = [];
  let isWhole = false;
  try {
    for (const chunk of chunksOf(bytes, sizes)) frames.push(...splitter.push(chunk));
    frames.push(...splitter.end());
    isWhole = true;
  } catch (error) {
    expect(error).toMatchObject({ name: "ProtocolError" });
    expect(["raw", "mpegts"]).not.toContain(framing);
  }
  expect(frames.every(({ payload }) => payload.length <= MAX_PAYLOAD_BYTES)).toBe(true);
  if (!KEEPS_ALL.includes(framing)) return;
  const out = join(frames);
  expect(Buffer.compare(out, isWhole ? bytes : bytes.subarray(0, out.length))).toBe(0);
}

test.each(FRAMINGS)("T6 %s survives random bytes", (framing) => {
  const law = fc.property(fc.uint8Array({ maxLength: 3000 }), chunkSizes(500), (bytes, sizes) => {
    survives(framing, bytes, sizes);
  });
  fc.assert(law, { numRuns: 150 });
});

test.each(Object.entries(SEEDS) as [Framing, Uint8Array][])("T6 %s survives damage", (framing, bytes) => {
  const law = fc.property(damages, chunkSizes(5000), (list, sizes) => {
    const damaged = damage(bytes, list);
    survives(framing, damaged, sizes);
    survives("auto", damaged, sizes);
  });
  fc.assert(law, { numRuns: 150 });
});

test.each(["mpegts", "mjpeg"] as const)(
  "groups of a damaged stream of %s do not depend on how it is cut",
  (framing) => {
    const law = fc.property(damages, chunkSizes(3000), (list, sizes) => {
      const damaged = damage(SEEDS[framing] ?? new Uint8Array(0), list);
      const bound = framing === "mpegts" ? MPEGTS_MAX_HELD_BYTES : MAX_PAYLOAD_BYTES;
      const whole = split(createSplitter(framing), damaged, [damaged.length]);
      expect(marks(split(createSplitter(framing), damaged, sizes, bound))).toEqual(marks(whole));
    });
    fc.assert(law, { numRuns: 100 });
  },
);
