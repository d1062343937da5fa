// The status port: health, readiness and metrics.
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import type { Address } from "./listen-url.ts";

/** Answers GET /healthz, /readyz (503 while `isReady` is false) and /metrics. Rejects if it cannot listen. */
export async function listenStatus(address: Address, registry: Registry, isReady: () => boolean): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405, "GET only");
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return answer(response, 200, "ok");
      case "/readyz":
        return isReady() ? answer(response, 200, "ready") : answer(response, 503, "draining");
      case "/metrics":
        return answer(response, 200, await registry.metrics(), registry.contentType);
      default:
        return answer(response, 404, "/healthz, /readyz, /metrics");
    }
  });
  server.listen(address.port, address.host);
  await once(server, "listening");
  return server;
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(`${text.trimEnd()}\n`);
}
