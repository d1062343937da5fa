// Serves the built page under the Worker's content security policy, with scripted rooms and a scripted API behind it.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
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
].join("; ");

/** A site with the rooms of `rooms`; viewers' token is `test.token`, the operator key `operator`. */
export class Site {
  readonly #server: Server;
  readonly rooms = new Map<string, ScriptedRoom>();
  readonly #sockets = new Set<Duplex>();

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request.method ?? "GET", new URL(request.url ?? "/", this.url), request.headers, response);
    });
    this.#server.on("upgrade", (request, socket, head) => {
      const room = this.#roomOf(new URL(request.url ?? "/", this.url).pathname);
      const allowed = request.headers["sec-websocket-protocol"]?.includes(`token.${TOKEN}`) ?? false;
      if (room === undefined || !allowed) socket.end(`HTTP/1.1 ${room === undefined ? 404 : 401} No\r\n\r\n`);
      else room.accept(request, socket, head);
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

  #roomOf(pathname: string): ScriptedRoom | undefined {
    return this.rooms.get(/^\/rooms\/([^/]+)\/ws$/.exec(pathname)?.[1] ?? "");
  }

  async #answer(
    method: string,
    url: URL,
    headers: { authorization?: string },
    response: ServerResponse,
  ): Promise<void> {
    const { authorization } = headers;
    if (method === "POST" && url.pathname === "/api/rooms") {
      if (authorization !== `Bearer ${OPERATOR_KEY}`) return problem(response, 401, "unauthorized");
      return this.#create(response);
    }
    if (url.pathname.endsWith("/ws")) {
      if (this.#roomOf(url.pathname) === undefined) return problem(response, 404, "room_not_found");
      if (authorization !== `Bearer ${TOKEN}`) return problem(response, 401, "unauthorized");
      return problem(response, 426, "upgrade_required");
    }
    const name = /^\/(app\.js|style\.css)$/.exec(url.pathname)?.[1] ?? "index.html";
    response.setHeader("Content-Type", TYPES[name.split(".")[1] ?? ""] ?? "text/plain");
    response.setHeader("Content-Security-Policy", CSP);
    response.end(await readFile(new URL(name, WEB)));
  }

  #create(response: ServerResponse): void {
    const tokens = { admin: "admin.token", publish: "publish.token", subscribe: TOKEN };
    const links = { page: this.link("demo"), websocket: `${this.url}/rooms/demo/ws`, ingest: "tcp://127.0.0.1:9000" };
    response.writeHead(201, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ room: "demo", tokens, links }));
  }
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ title: "No", detail: "The test says no.", code, status }));
}
