// Listening addresses, and the addresses to connect to.

/** A host, IPv6 in brackets, and a port. */
export type HostPort = `${string}:${number}`;

/** Its parts; `name` is the host in the form of a URL. */
export function splitHostPort(text: HostPort): { readonly name: string; readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(":");
  const name = text.slice(0, at);
  return { name, host: name.replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}

/** You cannot connect to a wildcard address: from this machine, use the loopback address. */
export function reachable(listen: HostPort): string {
  return listen.replace(/^(?:0\.0\.0\.0|\*)(?=:)/, "127.0.0.1").replace(/^\[::\](?=:)/, "[::1]");
}

/** An address in the form of a URL. */
export function withBrackets(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
