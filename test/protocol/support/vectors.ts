// Reads protocol/vectors.json strictly: a vector that violates its format fails here.
import { readFileSync } from "node:fs";
import * as z from "zod/mini";

const hex = z.string().check(z.regex(/^(?:[0-9a-f]{2})*$/));
/** The number of repetitions of the bytes or the text; default 1. */
const repeat = z.optional(z.int().check(z.positive()));

const position = { epoch: z.string(), sequence: z.int() };

const frame = z.strictObject({
  type: z.int(),
  flags: z.int(),
  track: z.int(),
  sequence: z.int(),
  timestamp: z.int(),
  payload: hex,
});

const control = {
  valid: z.array(z.strictObject({ text: z.string(), message: z.looseObject({ type: z.string() }) })),
  invalid: z.array(z.strictObject({ text: z.string(), repeat, error: z.string() })),
};

const start = z.union([
  z.strictObject({ at: z.enum(["group", "live"]) }),
  z.strictObject({ at: z.literal("rewind"), seconds: z.number() }),
  z.strictObject({
    at: z.literal("position"),
    positions: z.array(z.strictObject({ track: z.nullable(z.string()), ...position })),
  }),
]);

const versions = z.strictObject({ least: z.int(), most: z.int() });

const links = z.strictObject({
  relay: z.strictObject({ ...control, ignored: z.array(z.string()) }),
  parent: z.strictObject({ valid: control.valid, other: z.array(z.string()) }),
  versions: z.array(z.strictObject({ parent: versions, relay: versions, common: z.nullable(z.int()) })),
  ids: z.array(z.strictObject({ id: z.string(), parent: z.string() })),
});

const schema = z.strictObject({
  version: z.literal(1),
  links,
  messages: z.strictObject({
    valid: z.array(z.strictObject({ name: z.string(), hex, repeat, frames: z.array(frame) })),
    invalid: z.array(z.strictObject({ name: z.string(), rule: z.string(), hex, repeat, error: z.string() })),
  }),
  control: z.strictObject({
    room: z.strictObject({ ...control, ignored: z.array(z.string()) }),
    client: z.strictObject(control),
  }),
  starts: z.strictObject({
    valid: z.array(z.strictObject({ text: z.string(), start })),
    invalid: z.array(z.string()),
  }),
  positions: z.strictObject({
    valid: z.array(z.strictObject({ text: z.string(), ...position })),
    invalid: z.array(z.string()),
  }),
  preambles: z.strictObject({
    valid: z.array(
      z.strictObject({
        line: z.string(),
        room: z.string(),
        token: z.string(),
        track: z.string(),
        framing: z.nullable(z.string()),
        format: z.optional(z.string()),
        rest: z.string(),
      }),
    ),
    invalid: z.array(z.strictObject({ line: z.string(), repeat, error: z.string() })),
  }),
  closeCodes: z.array(z.strictObject({ code: z.int(), name: z.string() })),
  closes: z.array(z.strictObject({ code: z.int(), text: z.string(), retryAfterMs: z.nullable(z.int()) })),
});

export const vectors = schema.parse(
  JSON.parse(readFileSync(new URL("../../../protocol/vectors.json", import.meta.url), "utf8")),
);

/** A value that may be repeated. */
interface Repeated {
  readonly repeat?: number | undefined;
}

/** The bytes of a vector. */
export function bytesOf(vector: Repeated & { readonly hex: string }): Uint8Array {
  return new Uint8Array(Buffer.from(vector.hex.repeat(vector.repeat ?? 1), "hex"));
}

/** The text of a vector. */
export function textOf(vector: Repeated & ({ readonly text: string } | { readonly line: string })): string {
  return ("text" in vector ? vector.text : vector.line).repeat(vector.repeat ?? 1);
}

/** A row of `test.each` for each vector, with a short title first. */
export function titled<Vector extends object>(
  list: readonly (Vector & Repeated)[],
  text: (vector: Vector) => string,
): [string, Vector & Repeated][] {
  return list.map((vector) => [
    JSON.stringify(text(vector)) + (vector.repeat === undefined ? "" : ` × ${vector.repeat}`),
    vector,
  ]);
}
