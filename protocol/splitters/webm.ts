// The framing `webm`: streamed WebM and Matroska, with a frame for everything before the clusters and one for each
// block.
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../limits.ts";
import type { Splitter } from "../splitter.ts";
import { addPieces, u8 } from "./bytes.ts";
import { FailingSplitter } from "./failing.ts";
import { Gather } from "./gather.ts";
import {
  type ElementHeader,
  elementsIn,
  Id,
  MAX_ELEMENT_HEADER_BYTES,
  readElementHeader,
  readVint,
} from "./webm-elements.ts";
import { readTracks, type WebmTracks } from "./webm-tracks.ts";

/** Limit of the sound before a cluster's first picture. Above it, the cluster is not examined any further. */
const MAX_UNDECIDED_BYTES = 256 * 1024;
/** Offset in a simple block, behind the track's number: two bytes of time, then flags. */
const BLOCK_FLAGS_AT = 2;
const KEY_BLOCK = 0x80;

/** The bytes that are gathered. `undecided`: the start of a cluster before its first picture. */
type Unit = "init" | "undecided" | "blocks";

/**
 * - init: everything from the EBML header to the first cluster. Each init after the first one has `discontinuity`.
 * - A block is a frame; the first one of a cluster has the cluster's header and the sound before it. key: the first block of the
 *   first video track in the cluster is a key block, or there is no video.
 * - Other elements belong to the frame of the next block.
 *
 * Holds back one such frame. Errors: `record_too_large` for an init above MAX_INIT_BYTES and a block above
 * MAX_PAYLOAD_BYTES, before they are read; `frame_truncated` for a malformed header, and one without a size that needs it.
 */
export function webmSplitter(): Splitter {
  return new WebmSplitter();
}

class WebmSplitter extends FailingSplitter {
  readonly #header = new Gather();
  readonly #gathered = new Gather();
  /** The element whose body is being gathered, its start, and the number of missing bytes. */
  #element: { readonly header: ElementHeader; readonly start: number; missing: number } | undefined;
  #unit: Unit = "init";
  #inits = 0;
  #tracks: WebmTracks | undefined;

  get heldBytes(): number {
    return this.#header.length + this.#gathered.length;
  }

  protected read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; )
      at += this.#element === undefined ? this.#readHeader(chunk.subarray(at)) : this.#readBody(chunk.subarray(at));
  }

  protected finish(): void {
    this.#gathered.append(this.#header.take());
    addPieces(this.frames, this.#gathered.take(), MAX_PAYLOAD_BYTES, 0);
  }

  /** The number of bytes of `bytes` that belong to the header. */
  #readHeader(bytes: Uint8Array): number {
    const before = this.#header.length;
    this.#header.append(bytes.subarray(0, MAX_ELEMENT_HEADER_BYTES - before).slice());
    const header = readElementHeader(this.#header.view, 0);
    if (header === undefined) return Math.min(bytes.length, MAX_ELEMENT_HEADER_BYTES - before);
    const whole = this.#header.take().subarray(0, header.headerBytes);
    this.#begin(header, whole);
    return header.headerBytes - before;
  }

  #begin(header: ElementHeader, bytes: Uint8Array): void {
    const { id, size } = header;
    const isContainer = id === Id.segment || id === Id.cluster;
    if (id === Id.ebml) this.#enter("init");
    if (id === Id.cluster) this.#enter("undecided");
    if (size === undefined && !isContainer) throw new ProtocolError("frame_truncated", "an element without a size");
    const bodyBytes = isContainer ? 0 : (size ?? 0);
    this.#makeRoom(bytes.length + bodyBytes);
    this.#gathered.append(bytes);
    if (isContainer) return;
    this.#element = { header, start: this.#gathered.length, missing: bodyBytes };
    if (bodyBytes === 0) this.#finishElement();
  }

  /** Elements without visible content may have accumulated. */
  #makeRoom(bytes: number): void {
    const limit = this.#unit === "init" ? MAX_INIT_BYTES : MAX_PAYLOAD_BYTES;
    if (this.#unit !== "init" && this.#gathered.length + bytes > limit) this.#emit(0);
    if (this.#gathered.length + bytes > limit)
      throw new ProtocolError("record_too_large", `an element of ${bytes} bytes; at most ${limit}`);
  }

  #readBody(bytes: Uint8Array): number {
    const element = this.#element;
    if (element === undefined) return 0;
    const part = bytes.subarray(0, element.missing);
    this.#gathered.append(part, element.start + (element.header.size ?? 0));
    element.missing -= part.length;
    if (element.missing === 0) this.#finishElement();
    return part.length;
  }

  #finishElement(): void {
    const element = this.#element;
    this.#element = undefined;
    if (element === undefined) return;
    const { id } = element.header;
    if (id === Id.tracks && this.#unit === "init") {
      this.#tracks = readTracks(this.#gathered.view.subarray(element.start));
      this.format = this.#tracks.format;
    }
    if (id !== Id.simpleBlock && id !== Id.blockGroup) return;
    if (this.#unit === "undecided") this.#decide(id, this.#gathered.view.subarray(element.start));
    else if (this.#unit === "blocks") this.#emit(0);
  }

  /** The newest block of a cluster that is still undecided. */
  #decide(id: number, body: Uint8Array): void {
    const video = this.#tracks?.video;
    const block = id === Id.simpleBlock ? body : [...elementsIn(body)].find((one) => one.id === Id.block)?.body;
    const track = block === undefined ? undefined : readVint(block, 0);
    const isVideo = track !== undefined && track.value === video;
    if (!isVideo && video !== undefined && this.#gathered.length < MAX_UNDECIDED_BYTES) return;
    this.#emit(video === undefined || (isVideo && isKey(id, body, track.bytes)) ? Flag.key : 0);
    this.#unit = "blocks";
  }

  /** The bytes gathered before become a frame. */
  #enter(unit: Unit): void {
    if (this.#unit === "init" && this.#gathered.length > 0 && unit === "undecided") {
      this.#emit(this.#inits++ === 0 ? Flag.init : Flag.init | Flag.discontinuity);
    } else this.#emit(0);
    this.#unit = unit;
  }

  #emit(flags: number): void {
    if (this.#gathered.length > 0) this.frames.push({ payload: this.#gathered.take(), flags });
  }
}

function isKey(id: number, body: Uint8Array, trackBytes: number): boolean {
  if (id === Id.simpleBlock) return (u8(body, trackBytes + BLOCK_FLAGS_AT) & KEY_BLOCK) !== 0;
  return ![...elementsIn(body)].some((one) => one.id === Id.referenceBlock);
}
