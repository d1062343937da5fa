// Random identifiers: of unnamed rooms, of connections, of epochs, of tokens.

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** `length` characters of [0-9a-z], five random bits each. */
export function randomId(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
