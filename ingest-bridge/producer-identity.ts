// The data that is needed before a producer can join: from its preamble, or from its static route.
import type { Token } from "../client/index.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { PreambleReader } from "../protocol/preamble.ts";
import type { Framing } from "../protocol/splitter.ts";
import type { Route } from "./listen-url.ts";
import type { Reader } from "./socket-reader.ts";

/** A producer's destination, and the bytes that have already arrived. */
export interface Admission {
  readonly room: string;
  readonly track: string;
  readonly framing: Framing;
  /** The format that the producer or the route declares; undefined: none. */
  readonly format?: string | undefined;
  readonly token: Token;
  readonly rest: Uint8Array;
}

/** Reads the preamble; rejects with `ProtocolError`, or with the reason of `signal`, which also stops the reader. */
export async function readAdmission(reader: Reader, signal: AbortSignal): Promise<Admission> {
  const preambleReader = new PreambleReader();
  for (;;) {
    const chunk = await reader.next();
    signal.throwIfAborted();
    if (chunk === undefined) throw new ProtocolError("preamble_invalid", "the connection ended before its preamble");
    const read = preambleReader.push(chunk);
    if (read === undefined) continue;
    const { preamble, rest } = read;
    return { ...preamble, framing: preamble.framing ?? "raw", rest };
  }
}

/** The admission of a static route. */
export function routeAdmission(route: Route, readToken: () => Promise<string>): Admission {
  return { ...route, token: readToken, rest: new Uint8Array(0) };
}
