// Parsers for stored values: each takes `unknown` and returns a validated value or throws `Malformed`.

/** A stored value does not have the expected form. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

export type Parser<T> = (value: unknown) => T;

function must<T>(is: boolean, value: T, expected: string): T {
  if (!is) throw new Malformed(`no ${expected}`);
  return value;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  const is = typeof value === "object" && value !== null && !Array.isArray(value);
  return must(is, value as Readonly<Record<string, unknown>>, "record");
}

export function text(value: unknown): string {
  return must(typeof value === "string", value as string, "text");
}

export function flag(value: unknown): boolean {
  return must(typeof value === "boolean", value as boolean, "boolean");
}

/** A finite number, such as a time. */
export function number(value: unknown): number {
  return must(Number.isFinite(value), value as number, "number");
}

/** A whole number from 0 to 2^53-1, such as a sequence. */
export function whole(value: unknown): number {
  return must(Number.isSafeInteger(value) && (value as number) >= 0, value as number, "whole number");
}

export function orNull<T>(parse: Parser<T>): Parser<T | null> {
  return (value) => (value === null ? null : parse(value));
}

export function listOf<T>(parse: Parser<T>): Parser<T[]> {
  return (value) => must(Array.isArray(value), value as unknown[], "list").map(parse);
}

export function oneOf<const T extends string>(names: readonly T[]): Parser<T> {
  return (value) => must(names.includes(value as T), value as T, names.join(" or "));
}

/** The field as a part of an object: `{}` if it is absent or undefined. */
export function optional<K extends string, T>(
  from: Readonly<Record<string, unknown>>,
  key: K,
  parse: Parser<T>,
): { readonly [P in K]?: T } {
  return from[key] === undefined ? {} : ({ [key]: parse(from[key]) } as { [P in K]: T });
}
