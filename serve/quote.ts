// Text in the form of a Cap'n Proto schema.

/** A string literal. */
export function quote(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}]/gu, (char) =>
    char === "\\" || char === '"' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
