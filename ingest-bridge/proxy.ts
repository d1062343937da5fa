// The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt, 2.2): the origin of a connection through a load
// balancer.
import type { Socket } from "node:net";
import type { Peer } from "./peer.ts";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const HEAD_BYTES = SIGNATURE.length + 4;
/** Addresses and extensions after the head. Balancers send a few hundred bytes at most. */
export const MAX_PROXY_BYTES = 2048;

const LOCAL = 0x20;
const PROXY = 0x21;
const Family = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const;
const ADDRESS_BYTES = { [Family.tcp4]: 12, [Family.tcp6]: 36 } as const;

/** The header is invalid or missing. The connection must be closed, because its origin is unknown. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
}

/**
 * Reads the header from a socket, and no byte after it. Undefined: the balancer itself connects (a health check).
 * Rejects with `ProxyError`; `ms`: the time limit.
 */
export async function readProxyHeader(socket: Socket, ms: number): Promise<Peer | undefined> {
  const reader = new ExactReader(socket, ms);
  try {
    const { command, family, bytes } = parseProxyHead(await reader.read(HEAD_BYTES));
    const addresses = bytes === 0 ? Buffer.alloc(0) : await reader.read(bytes);
    return command === LOCAL ? undefined : parseProxyAddresses(family, addresses);
  } finally {
    reader.release();
  }
}

/** The first 16 bytes. Throws `ProxyError`. */
export function parseProxyHead(head: Buffer): { command: number; family: number; bytes: number } {
  if (!head.subarray(0, SIGNATURE.length).equals(SIGNATURE))
    throw new ProxyError("this is not a PROXY header, version 2");
  const command = head.readUInt8(12);
  const family = head.readUInt8(13);
  const bytes = head.readUInt16BE(14);
  if (command !== LOCAL && command !== PROXY) throw new ProxyError(`unsupported PROXY version and command ${command}`);
  if (bytes > MAX_PROXY_BYTES) throw new ProxyError(`a PROXY header of ${bytes} bytes`);
  return { command, family, bytes };
}

/** The source of a proxied connection; undefined if the balancer does not say it. Throws `ProxyError`. */
export function parseProxyAddresses(family: number, bytes: Buffer): Peer | undefined {
  if (family === Family.unspecified) return undefined;
  if (family !== Family.tcp4 && family !== Family.tcp6)
    throw new ProxyError(`unsupported PROXY address family ${family}`);
  if (bytes.length < ADDRESS_BYTES[family]) throw new ProxyError("the addresses of a PROXY header are cut off");
  if (family === Family.tcp4) return { address: bytes.subarray(0, 4).join("."), port: bytes.readUInt16BE(8) };
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(2 * group).toString(16));
  return { address: groups.join(":"), port: bytes.readUInt16BE(32) };
}

const EVENTS = ["readable", "end", "close"] as const;

/** Reads exact numbers of bytes from a socket, and leaves the rest there for the next reader. */
class ExactReader {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #isLate = false;
  #wake: () => void = () => {};
  readonly #changed = () => this.#wake();

  constructor(socket: Socket, ms: number) {
    this.#socket = socket;
    // Listens all the time, because a new listener would be called repeatedly for bytes that are already there.
    for (const event of EVENTS) socket.on(event, this.#changed);
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#wake();
    }, ms);
  }

  async read(bytes: number): Promise<Buffer> {
    for (;;) {
      const read: Buffer | null = this.#socket.read(bytes);
      if (read?.length === bytes) return read;
      if (this.#isLate) throw new ProxyError("no PROXY header in time");
      if (read !== null || this.#socket.readableEnded || this.#socket.destroyed) {
        throw new ProxyError("incomplete PROXY header");
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  release(): void {
    clearTimeout(this.#timer);
    for (const event of EVENTS) this.#socket.off(event, this.#changed);
  }
}
