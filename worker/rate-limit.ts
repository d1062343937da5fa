// Too many attempts from one address are turned away before a room's object is touched.
import type { Config } from "./config.ts";
import { Problem } from "./problem.ts";

/** Throws `Problem("too_many_requests")` where the client has used up `limiter`. This machine itself is not limited. */
export async function limit(request: Request, limiter: RateLimit | undefined, config: Config): Promise<void> {
  const address = request.headers.get("cf-connecting-ip") ?? "";
  if (limiter === undefined || !config.isRateLimited || isLocal(address)) return;
  const { success } = await limiter.limit({ key: networkOf(address) });
  if (!success) throw new Problem("too_many_requests", "too many attempts from this address: wait a while");
}

/** Cloudflare sets the header on all that comes from outside, over what a client says. */
function isLocal(address: string): boolean {
  return address === "" || address === "::1" || /^(::ffff:)?127\./.test(address);
}

/** An IPv6 client has a whole /64 to itself. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter((group) => group !== "").length;
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...(tail?.split(":") ?? [])];
  return all.slice(0, 4).join(":");
}
