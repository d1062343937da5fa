// How `Retry-After` is read.
import { expect, test } from "vitest";
import { MAX_RETRY_AFTER_MS, retryAfterMs } from "../../client/retry-after.ts";

const NOW = Date.parse("Thu, 26 Nov 2026 12:00:00 GMT");

test.each([
  ["0", 0],
  ["3", 3000],
  [" 120 ", 120_000],
  ["Thu, 26 Nov 2026 12:00:07 GMT", 7000],
  ["Thu, 26 Nov 2026 11:59:59 GMT", 0],
  ["999999999999999999999999", MAX_RETRY_AFTER_MS],
  ["Fri, 27 Nov 2026 12:00:00 GMT", MAX_RETRY_AFTER_MS],
  ["", 0],
  ["soon", 0],
  ["-5", 0],
  ["NaN", 0],
  [null, 0],
  [undefined, 0],
])("R2 Retry-After %j is so many milliseconds: %i", (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});
