// The listening sockets: plain, behind a PROXY header, in TLS.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import type { Certificate } from "./certificates.ts";
import { formatAddress, type Listen } from "./listen-url.ts";
import { formatPeer, type Peer, peerOf } from "./peer.ts";
import { ProxyError, readProxyHeader } from "./proxy.ts";

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };

/** Sockets above the limit of producers that may be open to receive the refusal. */
const EXCESS_CONNECTIONS = 64;

/** An open listener. `url` has the actual port, and neither paths nor tokens. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Applies to new connections; undefined changes nothing. */
  useCertificate(certificate: Certificate | undefined): void;
  /** Accepts no further connections; existing ones stay. */
  close(): void;
}

/** The options of a listener. */
export interface ListenerOptions {
  readonly certificate: Certificate | undefined;
  /** Also applies to sockets in a TLS handshake. */
  readonly maxConnections: number;
  /** For the PROXY header, and for the TLS handshake, milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** `peer`: the producer itself, even behind a load balancer. */
  onProducer(socket: net.Socket, peer: Peer): void;
  /** A connection could not be accepted; the listener continues. */
  onError(error: Error): void;
}

/** Opens a listener; rejects if the address is not available. */
export async function openListener(listen: Listen, options: ListenerOptions): Promise<Listener> {
  const { certificate, onProducer } = options;
  const secure = certificate === undefined ? undefined : new Handshakes(certificate, options);
  const server = net.createServer(SOCKET_OPTIONS, async (socket) => {
    // The receiver of the socket also listens for errors. Until then, an error only means that the socket is gone.
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

/** Undefined: this connection cannot be used. */
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

/** TLS on connected sockets. */
class Handshakes {
  readonly #server: tls.Server;
  /** The peer of each connection. */
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

/** The key of the TCP connection, which is unique while it is open. */
function keyOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
