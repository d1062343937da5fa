// The status port of the server: the health of its parts, and their metrics.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Gauge, Registry } from "prom-client";
import type { Control } from "./control.ts";
import type { Part } from "./part.ts";

/** Time for the Worker to answer. */
const ANSWER_MS = 3000;

export interface Watched {
  readonly worker: Part;
  readonly bridge: Part;
  readonly control: Control;
  /** The status port of the bridge; undefined: it is not up. */
  readonly bridgeStatus: () => number | undefined;
  readonly isStopping: () => boolean;
  /** True if the instance is ready to serve; undefined: there is no cluster. */
  readonly isInCluster: (() => Promise<boolean>) | undefined;
}

/** Answers GET /healthz, /readyz (503 also while stopping) and /metrics. Rejects if it cannot listen. */
export async function listenHealth(host: string, port: number, watched: Watched): Promise<Server> {
  const registry = metricsOf(watched);
  const server = createServer(async (request, response) => {
    const answer = (status: number, text: string, type = "application/json") =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(`${text.trimEnd()}\n`);
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, '{"error":"GET only"}');
    switch (request.url?.split("?")[0]) {
      case "/healthz":
      case "/readyz": {
        const health = await healthOf(watched);
        const isReady = !health.stopping && health.cluster?.ready !== false;
        const isGood = health.ok && (isReady || !request.url.startsWith("/readyz"));
        return answer(isGood ? 200 : 503, JSON.stringify(health));
      }
      case "/metrics":
        return answer(200, (await registry.metrics()) + (await bridgeMetrics(watched)), registry.contentType);
      default:
        return answer(404, '{"error":"/healthz, /readyz, /metrics"}');
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  return server;
}

async function healthOf({ worker, bridge, control, isStopping, isInCluster }: Watched) {
  const told = await control.ask("/status", ANSWER_MS).catch(() => undefined);
  const isWorking = worker.isUp && told?.status === 200;
  return {
    ok: isWorking && bridge.isUp,
    stopping: isStopping(),
    worker: { up: isWorking, restarts: worker.restarts, ...(isWorking && told.body) },
    bridge: { up: bridge.isUp, restarts: bridge.restarts },
    ...(isInCluster && { cluster: { ready: await isInCluster() } }),
  };
}

function metricsOf({ worker, bridge }: Watched): Registry {
  const registry = new Registry();
  const perPart = (name: string, help: string, read: (part: Part) => number) =>
    new Gauge({
      name: `roomcast_serve_${name}`,
      help,
      labelNames: ["part"],
      registers: [registry],
      collect() {
        this.set({ part: "worker" }, read(worker));
        this.set({ part: "bridge" }, read(bridge));
      },
    });
  perPart("up", "1 if the process is running", ({ isUp }) => Number(isUp));
  perPart("restarts", "Restarts of the process", ({ restarts }) => restarts);
  return registry;
}

async function bridgeMetrics({ bridgeStatus }: Watched): Promise<string> {
  const port = bridgeStatus();
  if (port === undefined) return "";
  const signal = AbortSignal.timeout(ANSWER_MS);
  return fetch(`http://127.0.0.1:${port}/metrics`, { signal }).then(
    (answer) => answer.text(),
    () => "",
  );
}
