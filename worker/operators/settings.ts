// The operator's configuration of events, webhooks and prices, from vars and secrets.
import { type Prices, readPrices } from "../core/prices.ts";
import type { AnalyticsAccess } from "./analytics.ts";
import { type AddressRules, urlObjection } from "./webhook-address.ts";
import { isWebhookSecret } from "./webhook-signature.ts";

/** Vars and secrets. */
export interface OperatorVars {
  /** The receivers of the events of all rooms, one or several URLs, and the secret that signs them. */
  readonly WEBHOOK_URL?: string;
  readonly WEBHOOK_SECRET?: string;
  readonly WEBHOOK_SECRET_PREVIOUS?: string;
  /** "on": webhooks may go to this machine and to private networks, for development. */
  readonly WEBHOOK_LOCAL?: string;
  /** Seconds between attempts: "5, 30, 120, ..."; the last value applies to all further attempts. */
  readonly WEBHOOK_RETRY_SECONDS?: string;
  readonly DNS_RESOLVER?: string;
  /** Cloudflare's account, the data set that ANALYTICS writes, and a token that may read it: all or none of them. */
  readonly ANALYTICS_ACCOUNT?: string;
  readonly ANALYTICS_DATASET?: string;
  readonly ANALYTICS_TOKEN?: string;
  /** Replaces Cloudflare's own address. */
  readonly ANALYTICS_URL?: string;
  /** JSON; see `Prices`. */
  readonly PRICES?: string;
}

export interface OperatorSettings {
  readonly webhookUrls: readonly string[];
  readonly webhookSecrets: readonly string[];
  readonly retrySeconds: readonly number[];
  readonly addresses: AddressRules;
  readonly prices: Prices;
  /** undefined: it is not queried. */
  readonly analytics: AnalyticsAccess | undefined;
}

const RETRY_SECONDS = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200];
const MOST_RETRY_SECONDS = 43_200;
const RESOLVER = "https://cloudflare-dns.com/dns-query";

/** Adds problems to `faults`. */
export function readOperatorSettings(env: OperatorVars, faults: string[]): OperatorSettings {
  const isLocalAllowed = env.WEBHOOK_LOCAL === "on";
  const addresses = { isLocalAllowed, resolver: env.DNS_RESOLVER || RESOLVER };
  if (!URL.canParse(addresses.resolver)) faults.push("DNS_RESOLVER must be a URL");
  const webhookUrls = words(env.WEBHOOK_URL);
  for (const url of webhookUrls) {
    const wrong = urlObjection(url, addresses);
    if (wrong !== undefined) faults.push(`WEBHOOK_URL: an address ${wrong}`);
  }
  const webhookSecrets = [env.WEBHOOK_SECRET ?? "", env.WEBHOOK_SECRET_PREVIOUS ?? ""].filter((text) => text !== "");
  if (webhookUrls.length > 0 && !env.WEBHOOK_SECRET) faults.push("WEBHOOK_SECRET is not set, although WEBHOOK_URL is");
  if (!webhookSecrets.every(isWebhookSecret)) faults.push("WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64");
  const retries = words(env.WEBHOOK_RETRY_SECONDS).map(Number);
  if (!retries.every((seconds) => Number.isInteger(seconds) && seconds >= 0 && seconds <= MOST_RETRY_SECONDS)) {
    faults.push(`WEBHOOK_RETRY_SECONDS must be whole numbers from 0 to ${MOST_RETRY_SECONDS}`);
  }
  return {
    webhookUrls,
    webhookSecrets,
    retrySeconds: retries.length > 0 ? retries : RETRY_SECONDS,
    addresses,
    prices: readPrices(env.PRICES ?? "", faults),
    analytics: readAnalytics(env, faults),
  };
}

function readAnalytics(env: OperatorVars, faults: string[]): AnalyticsAccess | undefined {
  const { ANALYTICS_ACCOUNT: account = "", ANALYTICS_TOKEN: token = "" } = env;
  if (account === "" && token === "") return undefined;
  const dataset = env.ANALYTICS_DATASET || "roomcast";
  if (!/^[0-9a-f]{32}$/.test(account)) faults.push("ANALYTICS_ACCOUNT must be the id of an account");
  if (token === "") faults.push("ANALYTICS_TOKEN is not set, although ANALYTICS_ACCOUNT is");
  if (!/^\w+$/.test(dataset)) faults.push("ANALYTICS_DATASET must be the name of a data set");
  const url = env.ANALYTICS_URL || `https://api.cloudflare.com/client/v4/accounts/${account}/analytics_engine/sql`;
  return { url, token, dataset };
}

function words(text = ""): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
