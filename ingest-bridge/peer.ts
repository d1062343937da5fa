// The other end of a connection.
import type { Socket } from "node:net";

/** An address (IPv4 or IPv6, without brackets) and a port. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** The other end of the TCP connection; undefined if it is already gone. */
export function peerOf(socket: Socket): Peer | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { address: remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ""), port: remotePort };
}

/** The peer as text for a log. */
export function formatPeer({ address, port }: Peer): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
