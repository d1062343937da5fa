// Refuses too many attempts from one address before they reach a room's object: all attempts of a kind, or only refused
// ones.
import type { Config } from "./config.ts";
import { Problem, RETRY_SECONDS } from "./problem.ts";

/** Throws `Problem("too_many_requests")` if the client has used up `limiter`. This machine itself has no limit. */
export async function limit(request: Request, limiter: RateLimit | undefined, config: Config): Promise<void> {
  const network = limitedNetwork(request, config);
  if (limiter === undefined || network === undefined) return;
  const { success } = await limiter.limit({ key: network });
  if (!success) throw tooMany();
}

/**
 * Runs `attempt`. Only refused attempts use up `limiter`, so that many people behind one address do not lock each other
 * out. If a network has used it up, its attempts are refused unheard until the time of `Retry-After` has passed.
 */
export async function limitRefused(
  request: Request,
  limiter: RateLimit | undefined,
  config: Config,
  attempt: () => Promise<Response>,
): Promise<Response> {
  const network = limitedNetwork(request, config);
  if (limiter === undefined || network === undefined) return attempt();
  if (isTurnedAway(network)) throw tooMany();
  const response = await attempt().catch((error: unknown) => {
    if (error instanceof Problem) return error.response();
    throw error;
  });
  const isRefused = response.status >= 400 && response.status < 500;
  if (!isRefused || (await limiter.limit({ key: network })).success) return response;
  turnAway(network);
  throw tooMany();
}

/** Networks that are refused, and until when (ms since 1970). The binding cannot be asked without counting. */
const turnedAway = new Map<string, number>();

/** Above it, the oldest entry is forgotten. Its next refusal adds it again. */
const MAX_TURNED_AWAY = 10_000;

function isTurnedAway(network: string): boolean {
  const until = turnedAway.get(network);
  if (until === undefined || Date.now() < until) return until !== undefined;
  turnedAway.delete(network);
  return false;
}

function turnAway(network: string): void {
  const [oldest] = turnedAway.size >= MAX_TURNED_AWAY ? turnedAway.keys() : [];
  if (oldest !== undefined) turnedAway.delete(oldest);
  turnedAway.set(network, Date.now() + RETRY_SECONDS * 1000);
}

function tooMany(): Problem {
  return new Problem("too_many_requests", "too many attempts from this address: wait a moment");
}

/** undefined: this client has no limit. */
function limitedNetwork(request: Request, config: Config): string | undefined {
  const address = request.headers.get("cf-connecting-ip") ?? "";
  return config.isRateLimited && !isLocal(address) ? networkOf(address) : undefined;
}

/** Cloudflare sets this header on every request from outside, and replaces any value from the client. */
function isLocal(address: string): boolean {
  return address === "" || address === "::1" || /^(::ffff:)?127\./.test(address);
}

/** An IPv6 client has a whole /64. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter((group) => group !== "").length;
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...(tail?.split(":") ?? [])];
  return all.slice(0, 4).join(":");
}
