// The shapes that JSON values must have: small readers that are composed of one another.

/**
 * Reads a value that `JSON.parse` returned, or a part of it. Returns the value without unknown fields, or undefined if
 * it has another shape. It never throws.
 */
export type Shape<T> = (value: unknown) => T | undefined;

/** The type that a shape reads. */
export type Shaped<S> = S extends (value: unknown) => infer T ? Exclude<T, undefined> : never;

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Flat<T> = { [K in keyof T]: T[K] };
type Fields<N, O> = Flat<{ [K in keyof N]: Shaped<N[K]> } & { [K in keyof O]?: Shaped<O[K]> }>;

/** One of several objects, each with its `type`. */
export type Variant<V> = { [K in keyof V]: Flat<{ type: K } & Shaped<V[K]>> }[keyof V];

/** A text for which `isRight` returns true. */
export function text(isRight: (text: string) => boolean = () => true): Shape<string> {
  return (value) => (typeof value === "string" && isRight(value) ? value : undefined);
}

/** A text of 1 to `most` characters. */
export function textUpTo(most: number): Shape<string> {
  return text(({ length }) => length > 0 && length <= most);
}

/** An integer that JavaScript holds exactly, from `least` to `most`. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined;
}

/** True or false. */
export const truth: Shape<boolean> = (value) => (typeof value === "boolean" ? value : undefined);

/** One of the given texts. */
export function oneOf<const T extends string>(texts: readonly T[]): Shape<T> {
  return (value) => texts.find((one) => one === value);
}

/** The given shape, or null. */
export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? null : shape(value));
}

/** A list with at most `most` items of the given shape. */
export function listOf<T>(shape: Shape<T>, most = Number.POSITIVE_INFINITY): Shape<T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) return undefined;
    const items: T[] = [];
    for (const one of value) {
      const item = shape(one);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  };
}

/** An object with the fields of `needed`, and those of `optional` if they are present. */
export function object<N extends Shapes, O extends Shapes = Record<never, never>>(
  needed: N,
  optional?: O,
): Shape<Fields<N, O>> {
  const shapes = Object.entries({ ...needed, ...optional });
  return (value) => {
    if (!isObject(value)) return undefined;
    const fields: Record<string, unknown> = {};
    for (const [name, shape] of shapes) {
      if (value[name] === undefined && !(name in needed)) continue;
      const field = shape(value[name]);
      if (field === undefined) return undefined;
      fields[name] = field;
    }
    return fields as Fields<N, O>;
  };
}

/** The given object, without any other field. */
export function exactly<T extends object>(shape: Shape<T>): Shape<T> {
  return (value) => {
    const fields = shape(value);
    return fields && Object.keys(fields).length === Object.keys(value as object).length ? fields : undefined;
  };
}

/** Reads the object that its field `type` names; undefined if the name is unknown. */
export function variant<V extends Readonly<Record<string, Shape<object>>>>(
  variants: V,
  value: unknown,
): Variant<V> | undefined {
  const type = typeOf(value);
  const fields = type !== undefined && Object.hasOwn(variants, type) ? variants[type]?.(value) : undefined;
  return fields && ({ type, ...fields } as Variant<V>);
}

/** The field `type` of an object, if it is a text. */
export function typeOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.type === "string" ? value.type : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
