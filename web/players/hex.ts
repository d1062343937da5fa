// A hex view of bytes: offset, hex, ASCII.

/** The number of bytes that the page shows of a frame. */
export const HEX_BYTES = 512;

const PER_LINE = 16;

/** The first `limit` bytes, 16 per line. Bytes that are not printable ASCII become dots. */
export function hexView(bytes: Uint8Array, limit = HEX_BYTES): string {
  const shown = bytes.subarray(0, limit);
  const lines: string[] = [];
  for (let offset = 0; offset < shown.byteLength; offset += PER_LINE) {
    lines.push(hexLine(offset, shown.subarray(offset, offset + PER_LINE)));
  }
  return lines.join("\n");
}

function hexLine(offset: number, bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const left = hex.slice(0, PER_LINE / 2).join(" ");
  const right = hex.slice(PER_LINE / 2).join(" ");
  const text = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
  return `${offset.toString(16).padStart(4, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${text}`;
}
