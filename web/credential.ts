// A viewer's credential: a token, a ticket from the application's own server, or, in a public room, nothing.
import { browserEnvironment } from "../client/browser.ts";
import { type Download, type Environment, RefusedError, type Socket, type Token } from "../client/index.ts";
import { problemCode } from "../client/refused-error.ts";
import { readToken } from "./token-claims.ts";

export type Credential =
  | { readonly by: "token"; readonly token: string }
  /** A POST to this URL returns `{"ticket"}` or `{"token"}`. */
  | { readonly by: "url"; readonly url: string }
  | { readonly by: "none" };

/** The options of the client library for connecting, and for reading recordings. */
export interface Admission {
  readonly token: Token;
  readonly environment: Environment;
}

const TOKEN_PROTOCOL = "token.";
/** A ticket that works once. A reusable one has dots, like tokens. */
const ONCE = /^[0-9a-z]+$/;
/** Statuses of the ticket's URL that another attempt does not change. */
const FINAL_STATUSES = [401, 403, 404, 410];
/** A credential that works more than once serves requests for this time before another one is fetched. */
const REUSE_MS = 30_000;

/** The options of the client library for this credential. */
export function admissionBy(credential: Credential): Admission {
  switch (credential.by) {
    case "token":
      return { token: credential.token, environment: browserEnvironment };
    case "none":
      return { token: "", environment: { ...browserEnvironment, dial } };
    case "url": {
      const issuer = issuerOf(credential);
      return { token: () => issuer.next(), environment: issuer.environment };
    }
  }
}

/** The credential for reading recordings. It fetches no ticket that could only open a connection. */
export function readingBy(credential: Credential): Admission {
  if (credential.by !== "url") return admissionBy(credential);
  const issuer = issuerOf(credential);
  return { token: () => issuer.again(), environment: issuer.environment };
}

const issuers = new WeakMap<Credential, Issuer>();

function issuerOf(credential: Credential & { readonly by: "url" }): Issuer {
  const issuer = issuers.get(credential) ?? new Issuer(credential.url);
  issuers.set(credential, issuer);
  return issuer;
}

/** An application's server that issues credentials. */
class Issuer {
  readonly #url: string;
  #last: { readonly text: string; readonly at: number } | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** A page cannot find out why the room refuses a ticket. The server that issues tickets decides who may enter. */
  get environment(): Environment {
    const { fetch: _, ...environment } = browserEnvironment;
    return { ...environment, dial, download: downloadWith };
  }

  /** For the next connection. Rejects with `RefusedError` if the server refuses. */
  async next(): Promise<string> {
    this.#last = { text: await fetchCredential(this.#url), at: Date.now() };
    return this.#last.text;
  }

  /**
   * For a request: a credential that works more than once. If the server issues only single-use tickets, it is not
   * asked again.
   */
  async again(): Promise<string> {
    const { text = "", at = 0 } = this.#last ?? {};
    return text === "" || ONCE.test(text) || Date.now() - at < REUSE_MS ? text : this.next();
  }
}

/** The ticket goes into the query. A single-use ticket cannot read recordings, which is answered here. */
async function downloadWith(...[url, { headers }, maxBytes]: Parameters<typeof downloadBy>): Promise<Download> {
  const { authorization, ...rest } = headers;
  const text = authorization?.slice("Bearer ".length);
  if (text === undefined || !isTicket(text)) return downloadBy(url, { headers }, maxBytes);
  if (ONCE.test(text)) return { status: 401, bytes: new Uint8Array(0) };
  const address = new URL(url);
  address.searchParams.set("ticket", text);
  return downloadBy(address.href, { headers: rest }, maxBytes);
}

const { download: downloadBy = () => Promise.reject(new Error("no downloads")) } = browserEnvironment;

function isTicket(text: string): boolean {
  return ONCE.test(text) || readToken(text).isTicket;
}

/** The ticket goes into the query. Without a credential, there is neither. */
function dial(address: string, protocols: string[]): Socket {
  const text = protocols.find((name) => name.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length) ?? "";
  if (text !== "" && !isTicket(text)) return browserEnvironment.dial(address, protocols);
  const url = new URL(address);
  if (text !== "") url.searchParams.set("ticket", text);
  return browserEnvironment.dial(
    url.href,
    protocols.filter((name) => !name.startsWith(TOKEN_PROTOCOL)),
  );
}

/** Rejects with `RefusedError` if the application refuses. */
async function fetchCredential(url: string): Promise<string> {
  const response = await fetch(url, { method: "POST", headers: { accept: "application/json" } });
  const body: unknown = await response.json().catch(() => undefined);
  if (FINAL_STATUSES.includes(response.status))
    throw new RefusedError(problemCode(body, response.status), response.status);
  const { ticket, token } = { ...(typeof body === "object" ? body : undefined) } as Record<string, unknown>;
  const credential = ticket ?? token;
  if (!response.ok || typeof credential !== "string") throw new Error("no ticket");
  return credential;
}
