// The bridge as a whole: its listeners, its status port, its producers, and its end.
import type { AddressInfo, Socket } from "node:net";
import { ConfigError } from "./bridge-config.ts";
import { Budget } from "./budget.ts";
import { loadCertificates } from "./certificates.ts";
import { type Listener, openListener } from "./listener.ts";
import { createMetrics } from "./metrics.ts";
import type { Peer } from "./peer.ts";
import { Producers } from "./producers.ts";
import { type Services, servicesWith } from "./services.ts";
import type { Config } from "./settings.ts";
import { listenStatus } from "./status.ts";

/** A bridge that is listening. */
export interface Bridge {
  /** In the order of `Config.listen`, with the actual ports. */
  readonly listeners: readonly Pick<Listener, "url" | "port">[];
  readonly statusPort: number;
  /** Reloads the certificates for new connections. A certificate that cannot be used is logged and changes nothing. */
  reload(): Promise<void>;
  /**
   * Accepts no new producers and delivers the buffers. Resolves with true if everything was delivered within
   * `deadlineMs`.
   */
  drain(deadlineMs: number): Promise<boolean>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** Starts a bridge. Rejects with `ConfigError` for a certificate that cannot be used, and if it cannot listen. */
export async function startBridge(config: Config, given: Partial<Services> & Pick<Services, "log">): Promise<Bridge> {
  const services = servicesWith(given);
  const budget = new Budget(config.totalBufferBytes);
  const metrics = createMetrics(() => budget.bytes);
  const producers = new Producers({ config, services, metrics, budget });
  const listeners = await openListeners(config, services, producers);
  let ready = true;
  const closeListeners = () => {
    ready = false;
    for (const listener of listeners) listener.close();
  };
  const status = await listenStatus(config.status, metrics.registry, () => ready).catch((error) => {
    closeListeners();
    throw error;
  });
  const { port: statusPort } = status.address() as AddressInfo;
  services.log.info({ listen: listeners.map(({ url }) => url), statusPort, worker: config.worker }, "bridge started");
  return {
    listeners,
    statusPort,
    reload: () => reload(config, services, listeners),
    drain: (deadlineMs) => {
      closeListeners();
      return within(deadlineMs, producers.drain());
    },
    close: async () => {
      closeListeners();
      await producers.destroy();
      status.closeAllConnections();
      await new Promise((resolve) => status.close(resolve));
    },
  };
}

async function openListeners(config: Config, services: Services, producers: Producers): Promise<Listener[]> {
  const certificates = await loadCertificates(config.listen);
  const opened: Listener[] = [];
  try {
    for (const listen of config.listen) {
      const options = {
        certificate: certificates.get(listen),
        maxConnections: config.maxConnections,
        handshakeTimeoutMs: services.preambleTimeoutMs,
        onProducer: (socket: Socket, peer: Peer) => producers.add(socket, listen, peer),
        onError: (error: Error) => services.log.warn({ error: error.message }, "connection not accepted"),
      };
      opened.push(await openListener(listen, options));
    }
    return opened;
  } catch (error) {
    for (const listener of opened) listener.close();
    throw error;
  }
}

async function reload(config: Config, { log }: Services, listeners: readonly Listener[]): Promise<void> {
  try {
    const certificates = await loadCertificates(config.listen);
    for (const [index, listen] of config.listen.entries()) listeners[index]?.useCertificate(certificates.get(listen));
    log.info({ certificates: certificates.size }, "certificates reloaded");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error({ problems: error.problems }, "certificates not reloaded");
  }
}

async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const inTime = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
