// The framing `fmp4`: fragmented MP4 (ISO 14496-12), a frame for the movie's header and one for each fragment.
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../limits.ts";
import type { Splitter } from "../splitter.ts";
import { addPieces } from "./bytes.ts";
import { FailingSplitter } from "./failing.ts";
import { type BoxHeader, isLongHeader, LONG_HEADER_BYTES, readHeader, SHORT_HEADER_BYTES } from "./fmp4-boxes.ts";
import { movieFormat } from "./fmp4-codecs.ts";
import { beginsWithSync, type Movie, readMovie } from "./fmp4-samples.ts";
import { Gather } from "./gather.ts";

/** Largest `moof`, including the boxes around it that belong to the fragment, but without `mdat`. */
export const MAX_MOOF_BYTES = 1024 * 1024;

/**
 * The boxes that become one frame: the movie's header, the boxes before a `moof`, the `moof` and what follows, or an
 * unused box.
 */
type Unit = "none" | "init" | "prelude" | "fragment" | "other";

type State =
  | { readonly kind: "header" }
  | { readonly kind: "body"; readonly box: BoxHeader; readonly start: number }
  | { readonly kind: "passing" };

const MAX_UNIT_BYTES: Readonly<Record<Unit, number>> = {
  none: 0,
  init: MAX_INIT_BYTES,
  prelude: MAX_MOOF_BYTES,
  fragment: MAX_MOOF_BYTES,
  other: MAX_PAYLOAD_BYTES,
};

/**
 * - init: everything from `ftyp` to `moov`. Each init after the first one has `discontinuity`.
 * - A fragment is one frame: `styp`, `sidx`, `emsg`, `prft`, `moof`, `mdat`. key: it begins with a sync sample of the
 *   first video track, or the movie has no video. A fragment above MAX_PAYLOAD_BYTES, or with an `mdat` of unknown size,
 *   continues in frames without flags as its bytes arrive.
 * - Other boxes (`mfra`) are frames without flags.
 *
 * Holds back one such frame. Errors: `record_too_large` for an init above MAX_INIT_BYTES and a `moof` above
 * MAX_MOOF_BYTES, before they are read; `frame_truncated` for a malformed header of a box.
 */
export function fmp4Splitter(): Splitter {
  return new Fmp4Splitter();
}

class Fmp4Splitter extends FailingSplitter {
  #state: State = { kind: "header" };
  /** The number of bytes that the state still waits for. */
  #missingBytes = SHORT_HEADER_BYTES;
  readonly #header = new Gather();
  readonly #gathered = new Gather();
  #unit: Unit = "none";
  #fragmentFlags = 0;
  #movie: Movie | undefined;

  get heldBytes(): number {
    return this.#header.length + this.#gathered.length;
  }

  protected read(chunk: Uint8Array): void {
    let at = 0;
    for (;;) {
      const part = chunk.subarray(at, Math.min(chunk.length, at + this.#missingBytes));
      this.#take(part);
      at += part.length;
      this.#missingBytes -= part.length;
      if (this.#missingBytes > 0) return;
      this.#advance();
    }
  }

  protected finish(): void {
    this.#gathered.append(this.#header.take());
    addPieces(this.frames, this.#gathered.take(), MAX_PAYLOAD_BYTES, 0);
  }

  #take(part: Uint8Array): void {
    if (this.#state.kind === "header") this.#header.append(part);
    else if (this.#state.kind === "body") this.#gathered.append(part, this.#state.start + this.#state.box.size);
    else addPieces(this.frames, part, MAX_PAYLOAD_BYTES, 0);
  }

  /** The bytes that the state waited for have arrived. */
  #advance(): void {
    if (this.#state.kind === "header") {
      const header = this.#header.view;
      if (isLongHeader(header) && header.length < LONG_HEADER_BYTES) {
        this.#missingBytes = LONG_HEADER_BYTES - header.length;
        return;
      }
      this.#begin(readHeader(header));
      return;
    }
    if (this.#state.kind === "body") this.#finish(this.#state.box, this.#state.start);
    this.#state = { kind: "header" };
    this.#missingBytes = SHORT_HEADER_BYTES;
  }

  #begin(box: BoxHeader): void {
    const unit = unitOf(box.type, this.#unit);
    if (!continues(this.#unit, unit, box.type)) this.#emit(this.#flags());
    this.#unit = unit;
    const start = this.#gathered.length;
    this.#gathered.append(this.#header.take());
    this.#missingBytes = box.size - box.headerBytes;
    const canPass = box.type === "mdat" || unit === "other";
    const limit = unit === "fragment" && canPass ? MAX_PAYLOAD_BYTES : MAX_UNIT_BYTES[unit];
    if (start + box.size <= limit) {
      this.#state = { kind: "body", box, start };
    } else if (canPass && unit !== "init") {
      this.#emit(this.#flags());
      this.#state = { kind: "passing" };
    } else {
      throw new ProtocolError("record_too_large", `${box.type} of ${box.size} bytes; at most ${limit} up to its end`);
    }
  }

  #finish(box: BoxHeader, start: number): void {
    if (box.type === "moov") {
      const flags = this.#movie === undefined ? Flag.init : Flag.init | Flag.discontinuity;
      const moov = this.#gathered.view.subarray(start + box.headerBytes);
      this.#movie = readMovie(moov);
      this.format = movieFormat(moov);
      this.#emit(flags);
    } else if (box.type === "moof") {
      const moof = this.#gathered.view.subarray(start + box.headerBytes);
      this.#fragmentFlags = this.#movie !== undefined && beginsWithSync(moof, this.#movie) ? Flag.key : 0;
    } else if (box.type === "mdat" || this.#unit === "other") {
      this.#emit(this.#flags());
    }
  }

  /** The current flags of the unit. An init that ends without `moov` is not an init. */
  #flags(): number {
    return this.#unit === "fragment" ? this.#fragmentFlags : 0;
  }

  #emit(flags: number): void {
    if (this.#gathered.length > 0) this.frames.push({ payload: this.#gathered.take(), flags });
    this.#unit = "none";
  }
}

/** The unit of a box that follows boxes of the unit `current`. */
function unitOf(type: string, current: Unit): Unit {
  switch (type) {
    case "ftyp":
    case "moov":
      return "init";
    case "styp":
    case "sidx":
    case "emsg":
    case "prft":
      return "prelude";
    case "moof":
      return "fragment";
    case "mdat":
      return current === "prelude" || current === "none" ? "other" : current;
    default:
      return current === "none" ? "other" : current;
  }
}

/** True if a box of the unit `next` belongs to the same frame as the boxes before it. */
function continues(current: Unit, next: Unit, type: string): boolean {
  if (current === "prelude" && next === "fragment") return true;
  return current === next && type !== "moof";
}
