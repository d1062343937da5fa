// The splitters by the names of their framings.
import type { Framing, Splitter } from "../splitter.ts";
import { autoSplitter } from "./auto.ts";
import { fmp4Splitter } from "./fmp4.ts";
import { length32Splitter } from "./length32.ts";
import { linesSplitter } from "./lines.ts";
import { mjpegSplitter } from "./mjpeg.ts";
import { mpegtsSplitter } from "./mpegts.ts";
import { rawSplitter } from "./raw.ts";
import { webmSplitter } from "./webm.ts";

const SPLITTERS: Readonly<Record<Framing, () => Splitter>> = {
  raw: rawSplitter,
  length32: length32Splitter,
  lines: linesSplitter,
  mpegts: mpegtsSplitter,
  fmp4: fmp4Splitter,
  mjpeg: mjpegSplitter,
  webm: webmSplitter,
  auto: autoSplitter,
};

/** A new splitter for one stream of that framing. */
export function createSplitter(framing: Framing): Splitter {
  return SPLITTERS[framing]();
}
