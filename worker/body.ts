// Request bodies: limited, JSON, validated by a schema.
import type * as z from "zod/mini";
import { joined } from "../protocol/joined.ts";
import { Problem } from "./problem.ts";

/** Enough for bodies with a few fields. */
const MAX_BODY_BYTES = 16 * 1024;

/** The body, validated by `schema`; an empty body counts as `{}`. Throws `Problem`. */
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
    throw new Problem("invalid_request", "the body is not JSON", { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Problem("invalid_request", faultsOf(result.error, value));
}

const MAX_FAULT_CHARS = 500;

/** The problems that a schema found in `value`. They contain no data of the value except names of fields. */
export function faultsOf(error: z.core.$ZodError, value: unknown): string {
  return listOf(error.issues, value).slice(0, MAX_FAULT_CHARS);
}

function listOf(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  return issues.map((issue) => `${issue.path.join(".") || "request"}: ${faultOf(issue, value)}`).join("; ");
}

function faultOf(issue: z.core.$ZodIssue, value: unknown): string {
  const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  // A key may contain anything, even a credential in the wrong place.
  if (issue.code === "unrecognized_keys")
    return `has no property ${issue.keys.map((key) => key.slice(0, 24)).join(", ")}`;
  if (found === undefined) return "is required";
  const isSized = "origin" in issue && (issue.origin === "string" || issue.origin === "array");
  switch (issue.code) {
    case "invalid_union":
      // For a field that may have several forms, the name is enough.
      return issue.path.length > 0 ? "is malformed" : issue.errors.map((errors) => listOf(errors, found)).join(", or ");
    case "invalid_type":
      return issue.expected === "int" ? "is not a whole number" : `is not of type ${issue.expected}`;
    case "invalid_value":
      return `is not ${issue.values.map(String).join(" or ")}`;
    case "too_small":
      return `${isSized ? "has fewer than" : "is below"} ${issue.minimum}`;
    case "too_big":
      return `${isSized ? "has more than" : "is above"} ${issue.maximum}`;
    case "custom":
      return issue.message === UNSAID ? "is malformed" : issue.message;
    default:
      return "is malformed";
  }
}

/** The schema library's text for a check without its own message. */
const UNSAID = "Invalid input";

async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Problem("body_too_large", `a body may have at most ${maxBytes} bytes here`);
    chunks.push(chunk);
  }
  return joined(chunks, size);
}
