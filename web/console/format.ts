// The number formats of the console.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const UNITS = ["", "k", "M", "G", "T"] as const;

export function count(number: number): string {
  return WHOLE.format(number);
}

export function bytes(number: number): string {
  return `${scaled(number)}B`;
}

export function bitrate(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? "–" : `${scaled(bytesPerSecond * 8)}bit/s`;
}

/** Small sums keep two significant digits. */
export function dollars(amount: number): string {
  if (amount === 0) return "$0";
  const digits = amount >= 1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(amount)));
  return `$${amount.toFixed(digits)}`;
}

/** A duration. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${SHORT.format(seconds)} s`;
  return seconds < 5400 ? `${SHORT.format(seconds / 60)} min` : `${SHORT.format(seconds / 3600)} h`;
}

/** The time since `at`. The servers' clocks may be ahead. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

function scaled(number: number): string {
  let [rest, place] = [number, 0];
  while (rest >= 1000 && place < UNITS.length - 1) {
    rest /= 1000;
    place++;
  }
  return `${SHORT.format(rest)} ${UNITS[place]}`;
}
