// Allowed addresses of webhooks: only public ones, so that nobody can make the Worker send requests to a private
// network.
import ipaddr from "ipaddr.js";

/** The resolver of names, and whether local addresses are allowed, for development. */
export interface AddressRules {
  /** A server of DNS over HTTPS, with answers as JSON. */
  readonly resolver: string;
  readonly isLocalAllowed: boolean;
}

/** The problem of an address. `isFinal`: waiting cannot solve it. */
export interface Objection {
  readonly text: string;
  readonly isFinal: boolean;
}

/** Names that are never public, whatever they resolve to. */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|home\.arpa)\.?$/i;

const MAX_URL_CHARS = 2048;
const RESOLVE_MS = 5000;
const RECORDS = { A: 1, AAAA: 28 } as const;

/** The problem of a webhook URL's form; undefined: none that can be seen without a request. */
export function urlObjection(text: string, { isLocalAllowed }: AddressRules): string | undefined {
  const url = URL.canParse(text) && text.length <= MAX_URL_CHARS ? new URL(text) : undefined;
  if (url === undefined) return "is not a URL";
  if (url.protocol !== "https:" && !(isLocalAllowed && url.protocol === "http:")) return "does not begin with https://";
  if (url.username !== "" || url.password !== "") return "contains a credential";
  const host = hostOf(url);
  if (isLocalAllowed) return undefined;
  if (LOCAL_NAME.test(host) || !/[.:]/.test(host)) return "is a local name";
  return ipaddr.isValid(host) && !isPublic(host) ? "is a private address" : undefined;
}

/** The problem of a webhook's address, by the current resolution of its name; undefined: none. */
export async function addressObjection(text: string, rules: AddressRules): Promise<Objection | undefined> {
  const wrong = urlObjection(text, rules);
  if (wrong !== undefined) return { text: `the address ${wrong}`, isFinal: true };
  const host = hostOf(new URL(text));
  if (rules.isLocalAllowed || ipaddr.isValid(host)) return undefined;
  const addresses = await Promise.all((["A", "AAAA"] as const).map((type) => resolve(host, type, rules.resolver)));
  const all = addresses.flat();
  if (all.length === 0) return { text: "the name has no address", isFinal: false };
  return all.every(isPublic) ? undefined : { text: "the name resolves to a private address", isFinal: true };
}

/**
 * Returns true for an address of the public Internet. An address that stands for another is judged by that one, or
 * refused.
 */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  return ipaddr.process(text).range() === "unicast";
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The addresses of a name. Rejects if the resolver does not answer. */
async function resolve(name: string, type: keyof typeof RECORDS, resolver: string): Promise<string[]> {
  const url = new URL(resolver);
  url.searchParams.set("name", name);
  url.searchParams.set("type", type);
  const answer = await fetch(url, {
    headers: { accept: "application/dns-json" },
    signal: AbortSignal.timeout(RESOLVE_MS),
  });
  if (!answer.ok) throw new Error(`the resolver answered ${answer.status}`);
  const { Answer: records = [] } = await answer.json<{ Answer?: { type: number; data: string }[] }>();
  return records.filter((record) => record.type === RECORDS[type]).map(({ data }) => data);
}
