// Reads the answer to a WebSocket's upgrade: open, or refused with a status and a body. Pure.

const HEAD_END = "\r\n\r\n";
/** A longer head, or a longer body of a refusal, is cut at this length. */
const MAX_ANSWER_CHARS = 64 * 1024;

/** The answer. `rest`: the number of given bytes behind it. `body` may contain chunk sizes. */
export type Answer =
  | { readonly is: "open"; readonly isCompressed: boolean; readonly rest: number }
  | { readonly is: "refused"; readonly status: number; readonly retryAfter: string | undefined; readonly body: string };

/** Takes the answer in pieces, as latin1. */
export class UpgradeAnswer {
  #text = "";

  /** The answer, when it is complete. */
  push(piece: string): Answer | undefined {
    this.#text += piece;
    const end = this.#text.indexOf(HEAD_END);
    const start = end + HEAD_END.length;
    if (end >= 0 && this.#text.startsWith("HTTP/1.1 101 ")) {
      const isCompressed = header(this.#text.slice(0, end), "sec-websocket-extensions") !== undefined;
      return { is: "open", isCompressed, rest: this.#text.length - start };
    }
    const isComplete = this.#text.length > MAX_ANSWER_CHARS || (end >= 0 && this.#hasBody(end, start));
    return isComplete ? this.refusal : undefined;
  }

  /** The pieces so far as a refusal: the connection has ended, or the answer is complete. */
  get refusal(): Answer & { is: "refused" } {
    const end = this.#text.indexOf(HEAD_END);
    const head = end < 0 ? this.#text : this.#text.slice(0, end);
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0);
    const body = end < 0 ? "" : this.#text.slice(end + HEAD_END.length);
    return { is: "refused", status, retryAfter: header(head, "retry-after"), body };
  }

  #hasBody(end: number, start: number): boolean {
    const head = this.#text.slice(0, end);
    const length = header(head, "content-length");
    if (length !== undefined) return this.#text.length - start >= Number(length);
    return header(head, "transfer-encoding") !== undefined && this.#text.endsWith(`\r\n0${HEAD_END}`);
  }
}

/** The JSON in the body of a refusal; undefined if there is none. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1));
  } catch {
    return undefined;
  }
}

function header(head: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "im").exec(head)?.[1];
}
