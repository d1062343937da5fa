// What is on its way to a subscriber, from the two signals that a room has.
import { describe, expect, test } from "vitest";
import { SendWindow } from "../../../worker/core/send-window.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";

const KiB = 1024;
const settings = {
  ...DEFAULT_TUNING,
  windowBytes: 100 * KiB,
  heldBytes: 400 * KiB,
  lagMs: 2000,
  allowanceBytes: 800 * KiB,
};

/** A flow whose signals are written out: `[now, pongAt, buffered]`. */
function flow() {
  const it = new SendWindow(settings);
  const signals = (now: number, pongAt?: number, buffered?: number) => ({ now, pongAt, buffered });
  return {
    send: (kib: number, ...at: Parameters<typeof signals>) => {
      it.observe(signals(...at));
      it.add(kib * KiB, at[0]);
    },
    way: (...at: Parameters<typeof signals>) => {
      it.observe(signals(...at));
      return it.way(signals(...at), settings.heldBytes);
    },
    drained: (...at: Parameters<typeof signals>) => {
      it.observe(signals(...at));
      return it.drained(signals(...at));
    },
    inFlight: (...at: Parameters<typeof signals>) => {
      it.observe(signals(...at));
      return it.inFlight(signals(...at)) / KiB;
    },
  };
}

describe("C2 pong-gated pings", () => {
  test("when the pong's time moves, what was sent before the one before has arrived", () => {
    const it = flow();
    it.send(10, 0);
    expect(it.inFlight(1, 1)).toBe(10);
    it.send(20, 2, 1);
    expect(it.inFlight(500, 400)).toBe(20);
    expect(it.inFlight(900, 800)).toBe(0);
  });

  test("no pong, no confirmation: the way is late once it has been over the window for too long", () => {
    const it = flow();
    it.send(1, 0, 0);
    it.send(1, 500, 500);
    it.send(150, 501, 500);
    expect(it.way(1500, 500)).toBe("open");
    expect(it.way(3501, 500)).toBe("late");
    expect(it.drained(3600, 3599)).toBe(false);
    expect(it.drained(4100, 4099)).toBe(true);
  });

  test("a burst after a pause is not late for what was sent before the pause", () => {
    const it = flow();
    it.send(1, 0, 0);
    it.send(10, 500, 500);
    it.send(150, 9000, 8900);
    expect(it.way(9100, 8900)).toBe("open");
    expect(it.inFlight(9500, 9400)).toBe(150);
    expect(it.way(12_000, 9400)).toBe("late");
  });

  test("under the window nobody is late, however long it takes", () => {
    const it = flow();
    it.send(1, 0, 0);
    it.send(90, 500, 500);
    expect(it.way(60_000, 500)).toBe("open");
  });

  test("a client that pings every five seconds is not late for that", () => {
    const it = flow();
    for (let now = 0; now <= 20_000; now += 100) {
      it.send(3, now, Math.floor(now / 5000) * 5000);
      expect(it.way(now, Math.floor(now / 5000) * 5000)).toBe("open");
    }
  });
});

describe("S6 bytes queued in the process", () => {
  test("above the bound the way is late at once, without any ping", () => {
    const it = flow();
    it.send(1000, 0, undefined, 0);
    expect(it.way(1, undefined, 400 * KiB)).toBe("open");
    expect(it.way(2, undefined, 400 * KiB + 1)).toBe("late");
    expect(it.drained(3, undefined, 300 * KiB)).toBe(false);
    expect(it.drained(4, undefined, 10 * KiB)).toBe(true);
  });

  test("a queue that is empty here does not count as drained while pongs say otherwise", () => {
    const it = flow();
    it.send(1, 0, 0, 0);
    it.send(300, 10, 10, 0);
    expect(it.drained(20, 10, 0)).toBe(false);
  });
});

test("on a runtime that tells nothing, a client that never pings is sent an allowance and no more", () => {
  const it = flow();
  it.send(800, 0);
  expect(it.way(1)).toBe("open");
  it.send(1, 2);
  expect(it.way(3)).toBe("unproven");
});
