// Where the bridge listens, as a URL: `tcp://HOST:PORT`, `tls://HOST:PORT?cert=..&key=..`, with `room=..` a static route.
import { ON_FULL, type OnFull } from "../client/index.ts";
import { DEFAULT_TRACK, isRoomId, isTrackName } from "../protocol/names.ts";
import { FRAMINGS, type Framing } from "../protocol/splitter.ts";

/** A host (IPv6 without brackets) and a port; port 0: any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a token is found, anew for each attempt. */
export type TokenSource =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "environment"; readonly variable: string };

/** What a preamble would have said, for producers that can send none. */
export interface Route {
  readonly room: string;
  readonly track: string;
  readonly framing: Framing;
  readonly token: TokenSource;
}

/** Paths of PEM files. With `clientCa` producers need a certificate that it has signed. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** One listening socket. Without `route` producers send a preamble. */
export interface Listen extends Address {
  readonly tls: TlsFiles | undefined;
  readonly route: Route | undefined;
  /** Connections begin with a PROXY header, version 2: they come through a load balancer. */
  readonly proxy: boolean;
  /** Undefined: what the bridge does otherwise. */
  readonly onFull: OnFull | undefined;
}

const TLS_KEYS = ["cert", "key", "client-ca"];
const ROUTE_KEYS = ["track", "framing", "token-file", "token-env"];
const KEYS = [...TLS_KEYS, "room", ...ROUTE_KEYS, "proxy", "on-full"];

/** Parses a listen URL; all that is wrong with it goes to `report`. */
export function parseListen(text: string, report: (problem: string) => void): Listen | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const address = url && addressOf(url);
  if (url === undefined || address === undefined || !["tcp:", "tls:"].includes(url.protocol)) {
    report("is no tcp://HOST:PORT or tls://HOST:PORT");
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

/** The address as it stands in a URL. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

type Value = (key: string) => string | undefined;
type Report = (problem: string) => void;

function parseTls(scheme: string, value: Value, report: Report): TlsFiles | undefined {
  if (scheme === "tcp:") {
    for (const name of TLS_KEYS) if (value(name) !== undefined) report(`has ${name}, which only tls:// takes`);
    return undefined;
  }
  const cert = value("cert");
  const key = value("key");
  const clientCa = value("client-ca");
  if (!cert || !key) report("lacks cert=FILE or key=FILE");
  if (clientCa === "") report("has a client-ca that names no file");
  return { cert: cert ?? "", key: key ?? "", clientCa };
}

function parseProxy(text: string | undefined, report: Report): boolean {
  if (text !== undefined && text !== "v2") report("has an unknown proxy; there is v2");
  return text === "v2";
}

function parseOnFull(text: string | undefined, report: Report): OnFull | undefined {
  const onFull = ON_FULL.find((name) => name === text);
  if (text !== undefined && onFull === undefined) report(`has an unknown on-full; there are ${ON_FULL.join(", ")}`);
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
  const token = parseToken(value("token-file"), value("token-env"));
  if (!isRoomId(room)) report("has a room that is no room id");
  if (!isTrackName(track)) report("has a track that is no track name");
  if (framing === undefined) report(`has an unknown framing; the framings are ${FRAMINGS.join(", ")}`);
  if (token === undefined) report("needs either token-file=FILE or token-env=NAME");
  return framing && token && { room, track, framing, token };
}

function parseToken(path: string | undefined, variable: string | undefined): TokenSource | undefined {
  if (path && variable === undefined) return { from: "file", path };
  if (variable && path === undefined) return { from: "environment", variable };
  return undefined;
}
