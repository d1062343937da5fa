// A bucket in memory with the part of S3 that workerd's cluster mode and recordings need: conditional writes, reads of
// ranges, lists in pages, deletes. It checks signatures. It supports no multipart uploads and no delimiters.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { signatureFault } from "./s3-signature.ts";

const MAX_PAGE = 1000;

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Listens at `url`. Disposing it ends it. */
export class S3Double implements AsyncDisposable {
  readonly #objects = new Map<string, StoredObject>();
  readonly #server: Server;
  readonly url: string;
  /** The number of requests by method, since it was last cleared. */
  readonly requests = new Map<string, number>();
  /** The delay of each answer, ms. */
  delayMs = 0;
  /** True: it answers nothing. */
  isGone = false;
  /** What was wrong with requests that were refused. */
  readonly faults: string[] = [];
  /** Keys of a page, at most. */
  maxPage = MAX_PAGE;
  readonly #secret: string;

  private constructor(server: Server, secret: string) {
    this.#server = server;
    this.#secret = secret;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#handle(request, response));
  }

  /** `secret`: that signs requests. */
  static async start(secret: string): Promise<S3Double> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new S3Double(server, secret);
  }

  /** The keys of what it has. */
  keys(prefix = ""): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", headers, socket } = request;
    const bytes = await buffer(request);
    if (this.isGone) return void socket.destroy();
    if (this.delayMs > 0) await sleep(this.delayMs);
    const fault = signatureFault(request, bytes, this.#secret);
    if (fault !== undefined) {
      this.faults.push(`${method} ${request.url}: ${fault}`);
      return answer(response, 403);
    }
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    const isList = method === "GET" && searchParams.has("list-type");
    const kind = isList ? "LIST" : method;
    this.requests.set(kind, (this.requests.get(kind) ?? 0) + 1);
    if (isList) return void response.end(this.#list(searchParams));
    const key = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    const there = this.#objects.get(key);
    const isMet =
      (headers["if-none-match"] === undefined || there === undefined) &&
      (headers["if-match"] === undefined || headers["if-match"] === there?.etag);
    if (method === "GET" && there !== undefined && headers.range !== undefined)
      return part(response, there, headers.range);
    if (method === "GET" || method === "HEAD") return answer(response, there ? 200 : 404, there);
    if (!isMet) return answer(response, headers["if-match"] && there === undefined ? 404 : 412);
    if (method === "DELETE") this.#objects.delete(key);
    if (method === "DELETE") return answer(response, 204);
    const etag = `"${createHash("md5").update(bytes).update(String(Math.random())).digest("hex")}"`;
    this.#objects.set(key, { bytes, etag });
    return answer(response, 200, { bytes: Buffer.alloc(0), etag });
  }

  /** The token of a page is the last key of the one before. */
  #list(query: URLSearchParams): string {
    const [prefix, start] = [
      query.get("prefix") ?? "",
      query.get("continuation-token") ?? query.get("start-after") ?? "",
    ];
    const most = Math.min(Number(query.get("max-keys") ?? MAX_PAGE), this.maxPage);
    const rest = this.keys(prefix).filter((key) => key > start);
    const keys = rest.slice(0, most);
    const contents = keys.map((key) => {
      const { bytes, etag } = this.#objects.get(key) as StoredObject;
      const date = "2026-01-01T00:00:00.000Z";
      return `<Contents><Key>${key}</Key><LastModified>${date}</LastModified><ETag>${etag}</ETag><Size>${bytes.length}</Size></Contents>`;
    });
    const isTruncated = rest.length > keys.length;
    const next = isTruncated ? `<NextContinuationToken>${keys.at(-1)}</NextContinuationToken>` : "";
    const head = `<Name>b</Name><Prefix>${prefix}</Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>${most}</MaxKeys>${next}`;
    return `<?xml version="1.0"?><ListBucketResult>${head}<IsTruncated>${isTruncated}</IsTruncated>${contents.join("")}</ListBucketResult>`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function part(response: ServerResponse, { bytes, etag }: StoredObject, range: string): void {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  if (first === undefined || Number(first) >= bytes.length) return answer(response, 416);
  const some = bytes.subarray(Number(first), last === "" ? undefined : Number(last) + 1);
  const until = Number(first) + some.length - 1;
  response.writeHead(206, { etag, "content-range": `bytes ${first}-${until}/${bytes.length}` }).end(some);
}

function answer(response: ServerResponse, status: number, object?: StoredObject): void {
  const headers = { ...(object && { etag: object.etag, "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" }) };
  const code = { 403: "SignatureDoesNotMatch", 404: "NoSuchKey", 412: "PreconditionFailed", 416: "InvalidRange" }[
    status
  ];
  const body = code === undefined ? object?.bytes : `<Error><Code>${code}</Code></Error>`;
  response.writeHead(status, headers).end(status === 204 ? undefined : body);
}
