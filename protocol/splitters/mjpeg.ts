// The framing `mjpeg`: JPEG pictures (ITU-T T.81, annex B), one behind the other.
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import { MAX_PAYLOAD_BYTES } from "../limits.ts";
import type { Splitter } from "../splitter.ts";
import { addPieces, u8 } from "./bytes.ts";
import { FailingSplitter } from "./failing.ts";
import { Gather } from "./gather.ts";

const FF = 0xff;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;

/** Bytes of the length field of a segment. The length includes them. */
const LENGTH_BYTES = 2;

/**
 * The role of the next byte. Between pictures: `outside`, or behind an FF that is held back. In a picture: the FF of a
 * marker, the marker, a byte of a segment's length, bytes to skip, entropy-coded data, or the byte behind an FF in it.
 */
type State =
  | { readonly kind: "outside" | "outsideMarker" | "beforeMarker" | "marker" | "scan" | "scanMarker" }
  | { readonly kind: "lengthHigh"; readonly marker: number }
  | { readonly kind: "lengthLow"; readonly marker: number; readonly high: number }
  | { readonly kind: "skip"; readonly marker: number; readonly bytes: number };

/**
 * Every picture from SOI to EOI is a frame and a join point. Segments are skipped by their lengths, so pictures inside
 * them are ignored. Anything that is not a whole picture (bytes between pictures, a picture that is cut off or
 * malformed) becomes frames without flags, and the next picture has `discontinuity`. Holds back one picture. Error:
 * `record_too_large` for a picture above MAX_PAYLOAD_BYTES.
 */
export function mjpegSplitter(): Splitter {
  return new MjpegSplitter();
}

class MjpegSplitter extends FailingSplitter {
  /** The format of each frame. */
  override format = "image/jpeg";
  #state: State = { kind: "outside" };
  /** The picture so far, or an FF between pictures. Its bytes continue at `#start` in the chunk. */
  readonly #gathered = new Gather();
  #start = 0;
  #pictureFlags: number = Flag.key;

  get heldBytes(): number {
    return this.#gathered.length;
  }

  protected read(chunk: Uint8Array): void {
    this.#start = 0;
    let at = 0;
    while (at < chunk.length) at = this.#read(chunk, at);
    if (this.#state.kind === "outside") this.#flushGarbage(chunk, at);
    this.#gather(chunk, at);
  }

  protected finish(): void {
    addPieces(this.frames, this.#gathered.take(), MAX_PAYLOAD_BYTES, 0);
  }

  /** Continues reading at `at`, and returns the next position to read. */
  #read(chunk: Uint8Array, at: number): number {
    const state = this.#state;
    switch (state.kind) {
      case "outside":
        return this.#seekPicture(chunk, at);
      case "outsideMarker":
        this.#state = { kind: u8(chunk, at) === SOI ? "beforeMarker" : "outside" };
        return this.#state.kind === "beforeMarker" ? at + 1 : at;
      case "scan":
        return this.#seekMarker(chunk, at);
      case "skip":
        return this.#skip(chunk, at, state);
      default:
        return this.#readMarkerByte(chunk, at, state);
    }
  }

  /** Between pictures: finds FF D8, or an FF at the end that may become it, and flushes the bytes before it. */
  #seekPicture(chunk: Uint8Array, at: number): number {
    let found = chunk.indexOf(FF, at);
    while (found >= 0 && found + 1 < chunk.length && chunk[found + 1] !== SOI) found = chunk.indexOf(FF, found + 1);
    if (found < 0) return chunk.length;
    this.#flushGarbage(chunk, found);
    this.#state = { kind: "outsideMarker" };
    return found + 1;
  }

  /** In entropy-coded data: goes to the byte behind the next FF. */
  #seekMarker(chunk: Uint8Array, at: number): number {
    const found = chunk.indexOf(FF, at);
    if (found < 0) return chunk.length;
    this.#state = { kind: "scanMarker" };
    return found + 1;
  }

  #skip(chunk: Uint8Array, at: number, { marker, bytes }: State & { kind: "skip" }): number {
    const left = bytes - (chunk.length - at);
    if (left > 0) {
      this.#state = { kind: "skip", marker, bytes: left };
      return chunk.length;
    }
    this.#state = { kind: marker === SOS ? "scan" : "beforeMarker" };
    return at + bytes;
  }

  #readMarkerByte(chunk: Uint8Array, at: number, state: State): number {
    const byte = u8(chunk, at);
    switch (state.kind) {
      case "beforeMarker":
        if (byte !== FF) return this.#abandon(chunk, at);
        this.#state = { kind: "marker" };
        return at + 1;
      case "scanMarker":
        if (byte !== 0 && !isRestart(byte)) return this.#readMarker(chunk, at, byte);
        this.#state = { kind: "scan" };
        return at + 1;
      case "lengthHigh":
        this.#state = { kind: "lengthLow", marker: state.marker, high: byte };
        return at + 1;
      case "lengthLow": {
        const bytes = ((state.high << 8) | byte) - LENGTH_BYTES;
        if (bytes < 0) return this.#abandon(chunk, at);
        this.#state = { kind: "skip", marker: state.marker, bytes };
        return at + 1;
      }
      default:
        return this.#readMarker(chunk, at, byte);
    }
  }

  /** The byte behind an FF, which is neither data nor a restart of entropy-coded data. */
  #readMarker(chunk: Uint8Array, at: number, marker: number): number {
    if (marker === SOI) return this.#restart(chunk, at);
    if (marker === 0 || isRestart(marker)) return this.#abandon(chunk, at);
    if (marker === EOI) {
      this.#gather(chunk, at + 1);
      this.frames.push({ payload: this.#gathered.take(), flags: this.#pictureFlags });
      this.#pictureFlags = Flag.key;
      this.#state = { kind: "outside" };
    } else if (marker === TEM) this.#state = { kind: "beforeMarker" };
    else if (marker !== FF) this.#state = { kind: "lengthHigh", marker };
    return at + 1;
  }

  /** A picture begins inside another picture: the first one was cut off before the FF that was read last. */
  #restart(chunk: Uint8Array, at: number): number {
    this.#gather(chunk, at);
    const bytes = this.#gathered.take();
    this.#garbage(bytes.subarray(0, -1));
    this.#gathered.append(bytes.subarray(-1));
    this.#state = { kind: "beforeMarker" };
    return at + 1;
  }

  /** The bytes so far are not a picture, so they are garbage. The search continues at `at`. */
  #abandon(chunk: Uint8Array, at: number): number {
    this.#gather(chunk, at);
    this.#garbage(this.#gathered.take());
    this.#state = { kind: "outside" };
    return at;
  }

  /** Between pictures: the bytes up to `end` are garbage. */
  #flushGarbage(chunk: Uint8Array, end: number): void {
    this.#garbage(this.#gathered.take());
    this.#garbage(chunk.subarray(this.#start, end));
    this.#start = end;
  }

  #garbage(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    addPieces(this.frames, bytes, MAX_PAYLOAD_BYTES, 0);
    this.#pictureFlags = Flag.key | Flag.discontinuity;
  }

  /** Adds the chunk's bytes up to `end` to the picture. */
  #gather(chunk: Uint8Array, end: number): void {
    const part = chunk.subarray(this.#start, end);
    if (this.#gathered.length + part.length > MAX_PAYLOAD_BYTES) {
      throw new ProtocolError("record_too_large", `a picture may have at most ${MAX_PAYLOAD_BYTES} bytes`);
    }
    this.#gathered.append(part);
    this.#start = end;
  }
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}
