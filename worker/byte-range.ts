// The requested part of a resource: the header Range, with one range of bytes.

/** Bytes `start` to `end` - 1. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** undefined: the whole resource; "beyond": no part of it exists. As in HTTP, an invalid range is ignored. */
export function partOf(header: string | null, size: number): Part | "beyond" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return Number(last) === 0 ? "beyond" : { start: Math.max(0, size - Number(last)), end: size };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return "beyond";
  return { start: Number(first), end: last === "" ? size : Math.min(size, Number(last) + 1) };
}

/** The answer with the requested part. `pour` writes it and leaves the stream open. */
export function answerPart(
  request: Request,
  size: number,
  headers: Headers,
  pour: (part: Part, into: WritableStream<Uint8Array>) => Promise<void>,
): Response {
  headers.set("accept-ranges", "bytes");
  const wanted = partOf(request.headers.get("range"), size);
  if (wanted === "beyond") {
    headers.set("content-range", `bytes */${size}`);
    return new Response(null, { status: 416, headers });
  }
  const part = wanted ?? { start: 0, end: size };
  if (wanted !== undefined) headers.set("content-range", `bytes ${part.start}-${part.end - 1}/${size}`);
  // With the length, a client recognizes an answer that ends early as failed.
  headers.set("content-length", String(part.end - part.start));
  const status = wanted === undefined ? 200 : 206;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  const { readable, writable } = new FixedLengthStream(part.end - part.start);
  pour(part, writable)
    .then(() => writable.close())
    .catch((error: unknown) => writable.abort(error).catch(() => {}));
  return new Response(readable, { status, headers });
}
