// WebSocket frames of a client. The mask is zero: this is valid, and the generator has nothing to XOR.

const FINAL = 0x80;
const MASKED = 0x80;
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One message as one frame, ready for the socket. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const size = payload.byteLength;
  const extended = size < 126 ? 0 : size < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + 4 + size);
  frame[0] = FINAL | opcode;
  frame[1] = MASKED | (extended === 0 ? size : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(size, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(size), 2);
  frame.set(payload, 2 + extended + 4);
  return frame;
}
