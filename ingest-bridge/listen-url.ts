// The bridge's listening addresses as URLs: `tcp://HOST:PORT`, `tls://HOST:PORT?cert=..&key=..`, with `room=..` for a
// static route.
import { ON_FULL, type OnFull } from "../client/index.ts";
import { DEFAULT_TRACK, isFormat, isRoomId, isTrackName } from "../protocol/names.ts";
import { FRAMINGS, type Framing } from "../protocol/splitter.ts";

/** A host (IPv6 without brackets) and a port; port 0: any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The source of a token, which is read for each attempt. */
export type TokenSource =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "environment"; readonly variable: string };

/** The settings of a preamble, for producers that cannot send one. */
export interface Route {
  readonly room: string;
  readonly track: string;
  readonly framing: Framing;
  /** Undefined: the detected format. */
  readonly format: string | undefined;
  readonly token: TokenSource;
}

/** Paths of PEM files. With `clientCa`, producers need a certificate that it signed. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** One listening socket. Without `route`, producers send a preamble. */
export interface Listen extends Address {
  readonly tls: TlsFiles | undefined;
  readonly route: Route | undefined;
  /** Connections come through a load balancer, and begin with a PROXY header, version 2. */
  readonly proxy: boolean;
  /** Undefined: the bridge's default. */
  readonly onFull: OnFull | undefined;
}

const TLS_KEYS = ["cert", "key", "client-ca"];
const ROUTE_KEYS = ["track", "framing", "content-type", "token-file", "token-env"];
const KEYS = [...TLS_KEYS, "room", ...ROUTE_KEYS, "proxy", "on-full"];

/** Parses a listen URL, and reports all of its problems to `report`. */
export function parseListen(text: string, report: (problem: string) => void): Listen | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const address = url && addressOf(url);
  if (url === undefined || address === undefined || !["tcp:", "tls:"].includes(url.protocol)) {
    report("is not tcp://HOST:PORT or tls://HOST:PORT");
    return undefined;
  }
  for (const key of new Set(url.searchParams.keys())) {
    if (!KEYS.includes(key)) report(`has the unknown key ${key}; the keys are ${KEYS.join(", ")}`);
    else if (url.searchParams.getAll(key).length > 1) report(`has ${key} twice`);
  }
  const value = (key: string) => url.searchParams.get(key) ?? undefined;
  return {
    ...address,
    tls: parseTls(url.protocol, value, report),
    route: parseRoute(value, report),
    proxy: parseProxy(value("proxy"), report),
    onFull: parseOnFull(value("on-full"), report),
  };
}

/** The address in a URL that has no user, path or fragment. */
export function addressOf(url: URL): Address | undefined {
  const bare = url.username === "" && url.password === "" && /^\/?$/.test(url.pathname) && url.hash === "";
  if (!bare || url.hostname === "" || url.port === "") return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
}

/** The address in the form of a URL. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

type Value = (key: string) => string | undefined;
type Report = (problem: string) => void;

function parseTls(scheme: string, value: Value, report: Report): TlsFiles | undefined {
  if (scheme === "tcp:") {
    for (const name of TLS_KEYS) if (value(name) !== undefined) report(`has ${name}, which only tls:// accepts`);
    return undefined;
  }
  const cert = value("cert");
  const key = value("key");
  const clientCa = value("client-ca");
  if (!cert || !key) report("lacks cert=FILE or key=FILE");
  if (clientCa === "") report("has a client-ca without a file name");
  return { cert: cert ?? "", key: key ?? "", clientCa };
}

function parseProxy(text: string | undefined, report: Report): boolean {
  if (text !== undefined && text !== "v2") report("has an unknown proxy; the only one is v2");
  return text === "v2";
}

function parseOnFull(text: string | undefined, report: Report): OnFull | undefined {
  const onFull = ON_FULL.find((name) => name === text);
  if (text !== undefined && onFull === undefined)
    report(`has an unknown on-full; the values are ${ON_FULL.join(", ")}`);
  return onFull;
}

function parseRoute(value: Value, report: Report): Route | undefined {
  const room = value("room");
  if (room === undefined) {
    for (const key of ROUTE_KEYS) if (value(key) !== undefined) report(`has ${key}, which needs room=ROOM`);
    return undefined;
  }
  const track = value("track") ?? DEFAULT_TRACK;
  const framing = FRAMINGS.find((name) => name === (value("framing") ?? "raw"));
  const format = value("content-type");
  const token = parseToken(value("token-file"), value("token-env"));
  if (!isRoomId(room)) report("has a room that is not a valid room id");
  if (!isTrackName(track)) report("has a track that is not a valid track name");
  if (framing === undefined) report(`has an unknown framing; the framings are ${FRAMINGS.join(", ")}`);
  if (format !== undefined && !isFormat(format)) report("has a content-type that is not a valid MIME type");
  if (token === undefined) report("needs either token-file=FILE or token-env=NAME");
  return framing && token && { room, track, framing, format, token };
}

function parseToken(path: string | undefined, variable: string | undefined): TokenSource | undefined {
  if (path && variable === undefined) return { from: "file", path };
  if (variable && path === undefined) return { from: "environment", variable };
  return undefined;
}
