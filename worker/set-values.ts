// The variables of an environment that are set. A self-hosted runtime gives null for a missing variable.

/** Copies `env` without null values, so that other code handles only one kind of missing value. */
export function setValues<T extends object>(env: T): T {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== null)) as T;
}
