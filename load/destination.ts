// The address of a Worker, looked up once, so that ten thousand connections do not look it up ten thousand times.
import { once } from "node:events";
import net from "node:net";

/** Address and port of a Worker, and its host name. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly tlsName: string | undefined;
}

const REACH_MS = 10_000;

/** Finds an address that accepts connections for the http(s) URL `url`. Rejects if there is none. */
export async function findDestination(url: string): Promise<Destination> {
  const { protocol, hostname, host, port: named } = new URL(url);
  const isTls = protocol === "https:";
  const name = hostname.replace(/^\[|\]$/g, "");
  const port = named === "" ? (isTls ? 443 : 80) : Number(named);
  const socket = net.connect({ host: name, port });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(REACH_MS) });
    return { address: socket.remoteAddress ?? name, port, host, tlsName: isTls ? name : undefined };
  } finally {
    socket.destroy();
  }
}
