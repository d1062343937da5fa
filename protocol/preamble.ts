// The line with which a TCP producer opens its connection to the bridge, and the line that answers it.
import { ProtocolError } from "./errors.ts";
import { MAX_PREAMBLE_BYTES, MAX_TOKEN_CHARS } from "./limits.ts";
import { DEFAULT_TRACK, isFormat, isRoomId, isTrackName } from "./names.ts";
import { FRAMINGS, type Framing } from "./splitter.ts";

/** The contents of a preamble. */
export interface Preamble {
  readonly room: string;
  readonly token: string;
  /** `main` if the line names none. */
  readonly track: string;
  /** Undefined if the line names none. */
  readonly framing: Framing | undefined;
  /** Of `content-type=`; undefined if the line has none. */
  readonly format?: string | undefined;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const VERSION = "ROOMCAST/1";
const KEYS = ["room", "token", "track", "framing", "content-type"];

/** Writes `preamble` as a line, including the newline, for producers. */
export function formatPreamble(preamble: Preamble): string {
  const framing = preamble.framing === undefined ? "" : ` framing=${preamble.framing}`;
  const format = preamble.format === undefined ? "" : ` content-type=${preamble.format}`;
  return `${VERSION} room=${preamble.room} token=${preamble.token} track=${preamble.track}${framing}${format}\n`;
}

/** Collects the line from chunks. Holds at most `MAX_PREAMBLE_BYTES`. */
export class PreambleReader {
  #line = "";

  /**
   * Returns the preamble and the bytes behind it (a view of `chunk`), or `undefined` while the line is incomplete.
   * Throws `ProtocolError` with a `preamble_...` code or `framing_unknown`.
   */
  push(chunk: Uint8Array): { preamble: Preamble; rest: Uint8Array } | undefined {
    const end = chunk.indexOf(NEWLINE);
    for (const byte of chunk.subarray(0, end === -1 ? chunk.byteLength : end)) this.#take(byte);
    return end === -1 ? undefined : { preamble: parsePreamble(this.#line), rest: chunk.subarray(end + 1) };
  }

  /** Works byte by byte, so that a line has the same meaning in any chunks. */
  #take(byte: number): void {
    if (this.#line.length + 1 === MAX_PREAMBLE_BYTES) {
      throw new ProtocolError("preamble_too_long", `the preamble may have at most ${MAX_PREAMBLE_BYTES} bytes`);
    }
    if (byte > 0x7e || (byte < 0x20 && byte !== CARRIAGE_RETURN))
      throw invalid("the preamble must be one line of ASCII");
    this.#line += String.fromCharCode(byte);
    if (this.#line.length <= VERSION.length && !VERSION.startsWith(this.#line)) refuse(this.#line);
  }
}

/** Parses the line without its newline; throws `ProtocolError`. */
export function parsePreamble(line: string): Preamble {
  const [version, ...fields] = line.replace(/\r$/, "").split(" ");
  if (version !== VERSION) refuse(line);
  const values = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(equals, 0));
    if (!KEYS.includes(key)) throw invalid(`the only fields are ${KEYS.join(", ")}`);
    if (values.has(key)) throw invalid(`${key} is given twice`);
    values.set(key, field.slice(equals + 1));
  }
  const { room = "", token = "", track = DEFAULT_TRACK, framing, "content-type": format } = Object.fromEntries(values);
  if (!isRoomId(room)) throw invalid("room=<room> is missing or not a valid room id");
  if (!/^[\w.-]+$/.test(token) || token.length > MAX_TOKEN_CHARS)
    throw invalid("token=<token> is missing or malformed");
  if (!isTrackName(track)) throw invalid("the track is not a valid track name");
  if (format !== undefined && !isFormat(format)) throw invalid("the content-type is empty or too long");
  return { room, token, track, framing: framing === undefined ? undefined : parseFraming(framing), format };
}

/** A framing by its name; throws `ProtocolError("framing_unknown")`. */
export function parseFraming(name: string): Framing {
  const framing = FRAMINGS.find((candidate) => candidate === name);
  if (framing === undefined) throw new ProtocolError("framing_unknown", `the framings are ${FRAMINGS.join(", ")}`);
  return framing;
}

function refuse(line: string): never {
  if (/^ROOMCAST\/\d/.test(line)) throw new ProtocolError("preamble_version", "this bridge speaks ROOMCAST/1");
  throw invalid("the preamble must begin with ROOMCAST/1");
}

function invalid(message: string): ProtocolError {
  return new ProtocolError("preamble_invalid", message);
}
