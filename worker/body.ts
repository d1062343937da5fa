// Bodies of requests: bounded, JSON, checked by a schema.
import type * as z from "zod/mini";
import { Problem } from "./problem.ts";

/** Most bodies are a few fields. */
const MAX_BODY_BYTES = 16 * 1024;

/** The body as `schema` has it; an empty one is `{}`. Throws `Problem`. */
export async function readBody<T extends z.ZodMiniType>(
  request: Request,
  schema: T,
  maxBytes = MAX_BODY_BYTES,
): Promise<z.output<T>> {
  const bytes = await readBounded(request, maxBytes);
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    value = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new Problem("invalid_request", "the body is no JSON", { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Problem("invalid_request", faultsOf(result.error).slice(0, 500));
}

/** What a schema says against a value; never the value itself. */
export function faultsOf(error: z.core.$ZodError): string {
  return error.issues
    .map((issue) => {
      // A key may be anything, even a credential in the wrong place.
      const unknown = issue.code === "unrecognized_keys" ? issue.keys.map((key) => key.slice(0, 24)).join(", ") : "";
      return `${issue.path.join(".") || "request"}: ${unknown ? `does not have ${unknown}` : issue.message}`;
    })
    .join("; ");
}

async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Problem("body_too_large", `a body has at most ${maxBytes} bytes here`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
