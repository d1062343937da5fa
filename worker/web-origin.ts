// Origins of web pages, as texts.

/**
 * Returns true if this is an origin of web pages in the form that browsers send. `https://*.example.com` stands for all
 * hosts below it.
 */
export function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}
