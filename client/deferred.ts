// A promise that is settled from outside. Nobody needs to wait for it: its rejection never counts as unhandled.

/** A promise and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Makes one that is pending. */
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

/** A rejection that does not count as unhandled where nobody looks. */
export function rejected(reason: Error): Promise<never> {
  const { promise, reject } = deferred<never>();
  reject(reason);
  return promise;
}
