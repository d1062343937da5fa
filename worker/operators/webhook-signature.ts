// Signatures of webhooks, by the Standard Webhooks specification.

const PREFIX = "whsec_";

/** Bytes of a secret, by the specification. */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** Returns true for a valid secret: `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  const bytes = bytesOf(text);
  return bytes !== undefined && bytes.byteLength >= MIN_BYTES && bytes.byteLength <= MAX_BYTES;
}

/** The headers of a webhook, signed with each of the secrets. `seconds`: since 1970. */
export async function signed(
  id: string,
  seconds: number,
  body: string,
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const text = `${id}.${seconds}.${body}`;
  const signatures = await Promise.all(
    secrets.map(async (secret) => `v1,${encode(await hmac(bytesOf(secret), text))}`),
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** The secret of a room's own webhook. It is derived from the Worker's secret, so that nothing has to be stored. */
export async function secretOf(room: string, createdAt: number, workerSecret: string): Promise<string> {
  const key = new TextEncoder().encode(workerSecret);
  return PREFIX + encode(await hmac(key, `webhook of ${room} ${createdAt}`));
}

async function hmac(key: Uint8Array | undefined, text: string): Promise<ArrayBuffer> {
  if (key === undefined) throw new Error("no webhook secret");
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
}

function bytesOf(secret: string): Uint8Array | undefined {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : undefined;
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function encode(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
