// The framing `auto`: looks at the first bytes and passes the stream to the matching splitter.
import type { ProtocolError } from "../errors.ts";
import type { SplitFrame, Splitter } from "../splitter.ts";
import { concat, u8 } from "./bytes.ts";
import { fmp4Splitter } from "./fmp4.ts";
import { mjpegSplitter } from "./mjpeg.ts";
import { mpegtsSplitter } from "./mpegts.ts";
import { rawSplitter } from "./raw.ts";
import { webmSplitter } from "./webm.ts";

/** With this many bytes, every stream is decided; most need fewer. At most one byte less is held back. */
export const AUTO_DECIDING_BYTES = 2 * 188 + 1;

type Decision = "undecided" | "mpegts" | "fmp4" | "mjpeg" | "webm" | "raw";

const CREATE = {
  mpegts: mpegtsSplitter,
  fmp4: fmp4Splitter,
  mjpeg: mjpegSplitter,
  webm: webmSplitter,
  raw: rawSplitter,
} as const;

/**
 * The bytes of each kind of stream at the given positions. The first byte of each row differs, so at most one row
 * matches.
 */
const PATTERNS: readonly { kind: Exclude<Decision, "undecided" | "raw">; at: readonly number[]; oneOf: string[] }[] = [
  { kind: "mpegts", at: [0, 188, 376], oneOf: ["GGG"] },
  // The first box is below 16 MiB, so the highest byte of its size is zero.
  { kind: "fmp4", at: [0, 4, 5, 6, 7], oneOf: ["\0ftyp", "\0styp", "\0moov"] },
  { kind: "mjpeg", at: [0, 1, 2], oneOf: ["\xff\xd8\xff"] },
  { kind: "webm", at: [0, 1, 2, 3], oneOf: ["\x1a\x45\xdf\xa3"] },
];

/**
 * | first bytes                                      | framing |
 * | 47 at 0, 188 and 376                             | mpegts  |
 * | 00 at 0 and `ftyp`, `styp` or `moov` at 4        | fmp4    |
 * | FF D8 FF at 0                                    | mjpeg   |
 * | 1A 45 DF A3 at 0                                 | webm    |
 * | anything else, or an end before it is decided    | raw     |
 *
 * Decides as soon as only one row is left. Errors: those of the chosen splitter.
 */
export function autoSplitter(): Splitter {
  return new AutoSplitter();
}

class AutoSplitter implements Splitter {
  #state: { kind: "deciding"; held: Uint8Array } | { kind: "decided"; splitter: Splitter } = {
    kind: "deciding",
    held: new Uint8Array(0),
  };

  get failure(): ProtocolError | undefined {
    return this.#state.kind === "decided" ? this.#state.splitter.failure : undefined;
  }

  get heldBytes(): number {
    return this.#state.kind === "decided" ? this.#state.splitter.heldBytes : this.#state.held.length;
  }

  get isShapeless(): boolean {
    return this.#state.kind === "decided" && this.#state.splitter.isShapeless;
  }

  get format(): string | undefined {
    return this.#state.kind === "decided" ? this.#state.splitter.format : undefined;
  }

  push(chunk: Uint8Array): SplitFrame[] {
    if (this.#state.kind === "decided") return this.#state.splitter.push(chunk);
    const bytes = concat(this.#state.held, chunk);
    const decision = decide(bytes);
    if (decision === "undecided") {
      this.#state = { kind: "deciding", held: bytes };
      return [];
    }
    const splitter = CREATE[decision]();
    this.#state = { kind: "decided", splitter };
    return splitter.push(bytes);
  }

  end(): SplitFrame[] {
    if (this.#state.kind === "decided") return this.#state.splitter.end();
    return rawSplitter().push(this.#state.held);
  }
}

function decide(bytes: Uint8Array): Decision {
  for (const { kind, at, oneOf } of PATTERNS) {
    const there = at.filter((position) => position < bytes.length);
    const found = String.fromCharCode(...there.map((position) => u8(bytes, position)));
    if (oneOf.some((pattern) => pattern.startsWith(found))) return there.length < at.length ? "undecided" : kind;
  }
  return "raw";
}
