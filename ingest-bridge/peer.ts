// Who is at the other end of a connection.
import type { Socket } from "node:net";

/** An address (IPv4 or IPv6, without brackets) and a port. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** The other end of the TCP connection; undefined where it is gone already. */
export function peerOf(socket: Socket): Peer | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { address: remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ""), port: remotePort };
}

/** As it stands in a log. */
export function formatPeer({ address, port }: Peer): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
