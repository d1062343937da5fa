// A receiver of webhooks: a real HTTP server that checks signatures with the reference library.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly room: string;
    readonly createdAt: number;
    readonly number: number;
    readonly about: string | null;
    readonly state: { readonly state: string; readonly subscribers: number };
  };
}

/** `answer`: the status for each request, and the target of a redirect. */
export class WebhookReceiver implements AsyncDisposable {
  readonly url: string;
  /** Webhooks with a valid signature. */
  readonly received: Received[] = [];
  /** The problems of the others. */
  readonly faults: string[] = [];
  requests = 0;
  status = 204;
  location: string | undefined;
  readonly #server: Server;

  private constructor(server: Server, secret: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const verifier = new Webhook(secret);
    server.on("request", async (request, response) => {
      this.requests++;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      try {
        const payload = verifier.verify(body, request.headers as Record<string, string>) as Omit<Received, "id">;
        if (this.status < 300) this.received.push({ ...payload, id: String(request.headers["webhook-id"]) });
      } catch (error) {
        this.faults.push(String(error));
      }
      response.writeHead(this.status, this.location === undefined ? {} : { location: this.location }).end();
    });
  }

  /** `port` 0: any free one. */
  static async start(secret: string, port = 0): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new WebhookReceiver(server, secret);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
