// The memory for encoding messages, shared by all publishers: when a socket's `send` returns, it has its own copy.

let memory = new Uint8Array(0);

/** Returns `bytes` bytes with arbitrary contents, valid until the next call. */
export function scratch(bytes: number): Uint8Array<ArrayBuffer> {
  if (memory.byteLength < bytes) memory = new Uint8Array(bytes);
  return memory.subarray(0, bytes);
}
