// The listening sockets, plain and TLS.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import tls from "node:tls";
import { ConfigError } from "./config.ts";
import { formatAddress, type Listen } from "./listen-url.ts";

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };

/** A listener that is open. `url` has the port that it really got, and neither paths nor tokens. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Takes no more connections; those that there are stay. */
  close(): void;
}

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads the certificates of all listeners that have one; throws `ConfigError` with all that cannot be used. */
export async function loadCertificates(listen: readonly Listen[]): Promise<ReadonlyMap<Listen, Certificate>> {
  const problems: string[] = [];
  const certificates = new Map<Listen, Certificate>();
  for (const one of listen) {
    if (one.tls === undefined) continue;
    try {
      const certificate = { cert: await readFile(one.tls.cert), key: await readFile(one.tls.key) };
      tls.createSecureContext(certificate);
      certificates.set(one, certificate);
    } catch (error) {
      problems.push(`--listen (ROOMCAST_LISTEN) tls://${formatAddress(one)} has no usable cert and key: ${error}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return certificates;
}

/** Sockets beyond the limit of producers that may be open for being told so. */
const EXCESS_CONNECTIONS = 64;

/** What a listener is opened with. */
export interface ListenerOptions {
  readonly certificate: Certificate | undefined;
  /** Holds for sockets in a TLS handshake too. */
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
  onProducer(socket: net.Socket): void;
  /** A connection could not be accepted; the listener goes on. */
  onError(error: Error): void;
}

/** Opens a listener; rejects where the address cannot be had. */
export async function openListener(listen: Listen, options: ListenerOptions): Promise<Listener> {
  const { certificate, maxConnections, handshakeTimeoutMs: handshakeTimeout, onProducer } = options;
  const server =
    certificate === undefined
      ? net.createServer(SOCKET_OPTIONS, onProducer)
      : tls.createServer({ ...SOCKET_OPTIONS, ...certificate, handshakeTimeout }, onProducer);
  server.maxConnections = maxConnections + EXCESS_CONNECTIONS;
  server.on("tlsClientError", (_error, socket: tls.TLSSocket) => socket.destroy());
  server.listen(listen.port, listen.host);
  await once(server, "listening");
  server.on("error", options.onError);
  const { port } = server.address() as net.AddressInfo;
  const scheme = certificate === undefined ? "tcp" : "tls";
  return { url: `${scheme}://${formatAddress({ host: listen.host, port })}`, port, close: () => void server.close() };
}
