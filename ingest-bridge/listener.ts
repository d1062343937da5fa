// The listening sockets: plain, behind a PROXY header, in TLS.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import type { Certificate } from "./certificates.ts";
import { formatAddress, type Listen } from "./listen-url.ts";
import { formatPeer, type Peer, peerOf } from "./peer.ts";
import { ProxyError, readProxyHeader } from "./proxy.ts";

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };

/** Sockets beyond the limit of producers that may be open for being told so. */
const EXCESS_CONNECTIONS = 64;

/** A listener that is open. `url` has the port that it really got, and neither paths nor tokens. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** From the next connection on; undefined changes nothing. */
  useCertificate(certificate: Certificate | undefined): void;
  /** Takes no more connections; those that there are stay. */
  close(): void;
}

/** What a listener is opened with. */
export interface ListenerOptions {
  readonly certificate: Certificate | undefined;
  /** Holds for sockets in a TLS handshake too. */
  readonly maxConnections: number;
  /** For the PROXY header, and for the TLS handshake, milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** `peer`: who it is, behind a load balancer too. */
  onProducer(socket: net.Socket, peer: Peer): void;
  /** A connection could not be accepted; the listener goes on. */
  onError(error: Error): void;
}

/** Opens a listener; rejects where the address cannot be had. */
export async function openListener(listen: Listen, options: ListenerOptions): Promise<Listener> {
  const { certificate, onProducer } = options;
  const secure = certificate === undefined ? undefined : new Handshakes(certificate, options);
  const server = net.createServer(SOCKET_OPTIONS, async (socket) => {
    // Whoever gets the socket listens for its errors too; until then they only mean that it is gone.
    socket.on("error", () => {});
    const peer = await identify(socket, listen.proxy, options);
    if (peer === undefined) socket.destroy();
    else if (secure === undefined) onProducer(socket, peer);
    else secure.begin(socket, peer);
  });
  server.maxConnections = options.maxConnections + EXCESS_CONNECTIONS;
  server.listen(listen.port, listen.host);
  await once(server, "listening");
  server.on("error", options.onError);
  const { port } = server.address() as net.AddressInfo;
  const scheme = secure === undefined ? "tcp" : "tls";
  return {
    url: `${scheme}://${formatAddress({ host: listen.host, port })}`,
    port,
    useCertificate: (next) => secure?.useCertificate(next),
    close: () => void server.close(),
  };
}

/** Undefined: this connection is of no use. */
async function identify(socket: net.Socket, proxy: boolean, options: ListenerOptions): Promise<Peer | undefined> {
  const peer = peerOf(socket);
  if (!proxy || peer === undefined) return peer;
  try {
    return (await readProxyHeader(socket, options.handshakeTimeoutMs)) ?? peer;
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    options.onError(new Error(`${error.message}, from ${formatPeer(peer)}`, { cause: error }));
    return undefined;
  }
}

/** TLS on sockets that are connected. */
class Handshakes {
  readonly #server: tls.Server;
  /** Who is at the other end of which connection. */
  readonly #peers = new Map<string, Peer>();

  constructor(certificate: Certificate, options: ListenerOptions) {
    const { handshakeTimeoutMs: handshakeTimeout, onProducer, onError } = options;
    const needed = certificate.ca !== undefined;
    const server = tls.createServer({
      ...certificate,
      handshakeTimeout,
      requestCert: needed,
      rejectUnauthorized: needed,
    });
    server.on("secureConnection", (socket) => {
      const peer = this.#peers.get(keyOf(socket));
      if (peer === undefined) socket.destroy();
      else onProducer(socket, peer);
    });
    server.on("tlsClientError", (error, socket: tls.TLSSocket) => {
      onError(new Error(`no TLS connection: ${error.message}`, { cause: error }));
      socket.destroy();
    });
    this.#server = server;
  }

  begin(socket: net.Socket, peer: Peer): void {
    const key = keyOf(socket);
    this.#peers.set(key, peer);
    socket.once("close", () => this.#peers.delete(key));
    this.#server.emit("connection", socket);
  }

  useCertificate(certificate: Certificate | undefined): void {
    if (certificate !== undefined) this.#server.setSecureContext(certificate);
  }
}

/** Of the TCP connection, which is unique as long as it is open. */
function keyOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
