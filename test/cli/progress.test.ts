// The status line of `send` on a terminal.
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { formatBytes, Progress } from "../../cli/progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A terminal, or a pipe, that records the output. */
function output(isTTY: boolean) {
  let text = "";
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), written: () => text };
}

test("a terminal shows bytes, rate, buffer and whether all is acknowledged", () => {
  const { stream, written } = output(true);
  const figures = { bytes: 0, buffered: 0 };
  const progress = new Progress(stream, () => figures);
  progress.start();
  figures.bytes = 3 << 20;
  figures.buffered = 2048;
  vi.advanceTimersByTime(250);
  expect(written()).toBe("\r\x1b[K3.0 MiB read, 3.6 MiB/s, 2.0 KiB in the buffer, not acknowledged yet");
  figures.buffered = 0;
  progress.stop("everything acknowledged");
  progress.stop("not everything acknowledged");
  expect(written().endsWith("0 B in the buffer, everything acknowledged\n")).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("a pipe shows nothing", () => {
  const { stream, written } = output(false);
  const progress = new Progress(stream, () => ({ bytes: 1, buffered: 0 }));
  progress.start();
  vi.advanceTimersByTime(10_000);
  progress.stop("everything acknowledged");
  expect(written()).toBe("");
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [5.25 * 1024 ** 3, "5.3 GiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
