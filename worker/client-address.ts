// The client's address: the peer of the TCP connection, or the address that a trusted proxy reports.

/** Addresses with the first `prefix` bits in common. */
interface Network {
  readonly bits: 32 | 128;
  readonly value: bigint;
  readonly prefix: number;
}

/** Trusted addresses, or networks such as 10.0.0.0/8. */
export class TrustedProxies {
  readonly #networks: readonly Network[];

  /** Separated by commas. Throws `TypeError` for an invalid address. */
  constructor(text: string) {
    const parts = text.split(/[\s,]+/).filter((part) => part !== "");
    this.#networks = parts.map(parseNetwork);
  }

  has(address: string): boolean {
    const one = parseAddress(address);
    return one !== undefined && this.#networks.some((network) => contains(network, one));
  }
}

/** The address without the port that `cf.clientIp` of a bare workerd contains. */
export function withoutPort(text: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([^:]*):\d+$/.exec(text)?.[1] ?? text;
}

/**
 * The client's address. Each proxy appends its peer's address to `forwardedFor`. So this reads from the end, up to the
 * first address that is not a trusted proxy. The client itself may have written anything before that.
 */
export function clientAddress(peer: string, forwardedFor: string | null, proxies: TrustedProxies): string {
  if (!proxies.has(peer)) return peer;
  const named = (forwardedFor ?? "").split(",").map((one) => withoutPort(one.trim()));
  let client = peer;
  for (const address of named.reverse()) {
    if (parseAddress(address) === undefined) return client;
    client = address;
    if (!proxies.has(address)) return client;
  }
  return client;
}

function parseNetwork(text: string): Network {
  const [address = "", length] = text.split("/");
  const parsed = parseAddress(address);
  const prefix = length === undefined ? parsed?.bits : Number(length);
  if (parsed === undefined || prefix === undefined || !/^\d{1,3}$/.test(length ?? "0") || prefix > parsed.bits) {
    throw new TypeError(`${text} is neither an address nor a network such as 10.0.0.0/8`);
  }
  return { ...parsed, prefix };
}

function contains(network: Network, address: Omit<Network, "prefix">): boolean {
  const rest = BigInt(network.bits - network.prefix);
  return network.bits === address.bits && network.value >> rest === address.value >> rest;
}

function parseAddress(text: string): Omit<Network, "prefix"> | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1] ?? text;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(mapped)) return joined(mapped.split("."), 10, 8, 32);
  const [head = "", tail, more] = text.split("::");
  if (!text.includes(":") || more !== undefined) return undefined;
  const [before, after] = [head, tail ?? ""].map((part) => (part === "" ? [] : part.split(":")));
  const missing = 8 - (before?.length ?? 0) - (after?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...(before ?? []), ...Array<string>(missing).fill("0"), ...(after ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? joined(groups, 16, 16, 128) : undefined;
}

function joined(parts: readonly string[], radix: number, width: number, bits: 32 | 128) {
  const numbers = parts.map((part) => Number.parseInt(part, radix));
  if (numbers.some((number) => number >= 2 ** width)) return undefined;
  return { bits, value: numbers.reduce((value, number) => (value << BigInt(width)) | BigInt(number), 0n) };
}
