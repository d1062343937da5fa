// A promise that is settled from outside. Its rejection never counts as unhandled, even if nobody waits for it.

/** A promise and the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Makes a pending promise. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: Error) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** A rejection that does not count as unhandled. */
export function rejected(reason: Error): Promise<never> {
  const { promise, reject } = deferred<never>();
  reject(reason);
  return promise;
}
