// Serves the built page under the Worker's content security policy, with scripted rooms and a scripted API behind it.
import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { ScriptedRoom } from "./scripted-room.ts";

const WEB = new URL("../../../dist/web/", import.meta.url);
const TOKEN = "test.token";
const OPERATOR_KEY = "operator";
const TYPES: Readonly<Record<string, string>> = { html: "text/html", css: "text/css", js: "text/javascript" };
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src blob:",
  "connect-src 'self' ws: wss:",
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** A site with the rooms of `rooms`; viewers' token is `test.token`, the operator key `operator`. */
export class Site {
  readonly #server: Server;
  readonly rooms = new Map<string, ScriptedRoom>();
  readonly #sockets = new Set<Duplex>();

  private constructor() {
    this.#server = createServer((request, response) => {
      const { authorization } = request.headers;
      void this.#answer(
        request.method ?? "GET",
        new URL(request.url ?? "/", this.url).pathname,
        authorization,
        response,
      );
    });
    this.#server.on("upgrade", (request, socket, head) => {
      const { pathname } = new URL(request.url ?? "/", this.url);
      const room = /^\/rooms\/([^/]+)\/ws$/.exec(pathname)?.[1] ?? "";
      const allowed = request.headers["sec-websocket-protocol"]?.includes(`token.${TOKEN}`) ?? false;
      const refusal = this.#refusal(room, allowed);
      if (refusal === undefined) this.rooms.get(room)?.accept(request, socket, head);
      else socket.end(`HTTP/1.1 ${refusal[0]} ${refusal[1]}\r\n\r\n`);
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** A site on a free port. */
  static async start(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((resolve) => site.#server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The viewers' link of a room. */
  link(room: string, token = TOKEN): string {
    return `${this.url}/rooms/${room}#token=${token}`;
  }

  /** Stops the site and its rooms. */
  async stop(): Promise<void> {
    for (const room of this.rooms.values()) room.stop();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    method: string,
    path: string,
    authorization: string | undefined,
    response: ServerResponse,
  ): Promise<void> {
    if (method === "POST" && path === "/api/rooms") {
      if (authorization !== `Bearer ${OPERATOR_KEY}`) return problem(response, 401, "unauthorized");
      return this.#create(response);
    }
    const described = /^\/api\/rooms\/([^/]+)$/.exec(path)?.[1];
    if (described !== undefined) {
      const refusal = this.#refusal(described, authorization === `Bearer ${TOKEN}`);
      return refusal === undefined ? describe(response) : problem(response, ...refusal);
    }
    const name = /^\/((?:player\/)?[\w-]+\.(?:js|css))$/.exec(path)?.[1] ?? "index.html";
    response.setHeader("Content-Type", TYPES[name.split(".")[1] ?? ""] ?? "text/plain");
    response.setHeader("Content-Security-Policy", CSP);
    response.end(await readFile(new URL(name, WEB)));
  }

  #refusal(room: string, allowed: boolean): [status: number, code: string] | undefined {
    if (!allowed) return [401, "unauthorized"];
    return this.rooms.has(room) ? undefined : [404, "room_not_found"];
  }

  #create(response: ServerResponse): void {
    const tokens = { admin: "admin.token", publish: "publish.token", subscribe: TOKEN };
    const links = { page: this.link("demo"), websocket: `${this.url}/rooms/demo/ws`, ingest: "tcp://127.0.0.1:9000" };
    response.writeHead(201, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ room: "demo", tokens, links }));
  }
}

function describe(response: ServerResponse): void {
  const settings = { title: "", public: false, presence: false, memberMessages: false };
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ settings }));
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ title: "No", detail: "The test says no.", code, status }));
}
