// The bytes on their way to a client, and their age, from the room's two signals.
import { describe, expect, test } from "vitest";
import { SendWindow } from "../../../worker/core/send-window.ts";

const KiB = 1024;
const bounds = { lateMs: 2000, lateFloorBytes: 10 * KiB, queueBytes: 400 * KiB, allowanceBytes: 800 * KiB };

/** A window whose signals are written out: `[now, pongAt, buffered]`. */
function opened() {
  const it = new SendWindow(bounds, 0);
  const signals = (now: number, pongAt?: number, buffered?: number) => ({ now, pongAt, buffered });
  type At = Parameters<typeof signals>;
  const look = <T>(at: At, ask: (all: ReturnType<typeof signals>) => T): T => {
    it.observe(signals(...at));
    return ask(signals(...at));
  };
  return {
    send: (kib: number, ...at: At) => {
      look(at, () => it.add(kib * KiB, at[0]));
    },
    congestion: (...at: At) => look(at, (all) => it.congestion(all)),
    drained: (...at: At) => look(at, (all) => it.drained(all)),
    inFlight: (...at: At) => look(at, (all) => it.inFlight(all) / KiB),
    isStuck: (ms: number, ...at: At) => look(at, () => it.isStuck(at[0], ms)),
  };
}

describe("C2 pong-gated pings", () => {
  test("when the pong's time moves, everything sent before the previous one has arrived", () => {
    const it = opened();
    it.send(10, 0);
    expect(it.inFlight(1, 1)).toBe(10);
    it.send(20, 2, 1);
    expect(it.inFlight(500, 400)).toBe(20);
    expect(it.inFlight(900, 800)).toBe(0);
  });

  test("without a pong nothing is confirmed: it is late when its oldest byte is too old for its ping interval", () => {
    const it = opened();
    for (let now = 0; now <= 4500; now += 500) it.send(1, now, now);
    it.send(150, 4501, 4500);
    expect(it.congestion(6900, 4500)).toBe("none");
    expect(it.congestion(7502, 4500)).toBe("late");
    expect(it.drained(7600, 7599)).toBe(false);
    expect(it.drained(8100, 8099)).toBe(true);
  });

  test("a burst after a pause is not late because of bytes from before the pause", () => {
    const it = opened();
    for (let now = 0; now <= 2500; now += 500) it.send(1, now, now);
    it.send(50, 2501, 2500);
    it.send(150, 12_000, 11_900);
    expect(it.congestion(12_100, 11_900)).toBe("none");
    expect(it.inFlight(12_500, 12_400)).toBe(150);
  });

  test("a few bytes are never late, however long it takes", () => {
    const it = opened();
    it.send(1, 0, 0);
    it.send(9, 500, 500);
    expect(it.congestion(60_000, 500)).toBe("none");
  });

  test.each([
    ["every five seconds", [5000]],
    ["twice within 0.3 s, then every 8 s", [300, 8000, 8000, 8000, 8000, 8000, 8000]],
    ["four times within a second, then every 9 s", [300, 300, 300, 300, 9000, 9000, 9000, 9000]],
    ["every 9 s from the start", [9000]],
  ])("a client on a perfect link that pings %s is not late for that", (_, waits) => {
    const it = opened();
    let next = 0;
    let pong = 0;
    let count = 0;
    for (let now = 0; now <= 100_000; now += 100) {
      if (now >= next) {
        pong = now;
        next = now + (waits[Math.min(count++, waits.length - 1)] ?? 0);
      }
      expect([now, it.congestion(now, pong, 0)]).toEqual([now, "none"]);
      it.send(3, now, pong, 0);
    }
  });

  test("behind 4 kB/s it is late after seconds, though its pongs come later and later", () => {
    const it = opened();
    // 16 kB/s are sent; the link carries a quarter of it. The client pings a second after each pong.
    let lateAt = 0;
    let [pong, pongArrivesAt] = [0, 0];
    let sent = 0;
    for (let now = 0; now < 60_000 && lateAt === 0; now += 100) {
      if (now >= pongArrivesAt + 1000) {
        pong = now;
        pongArrivesAt = Math.max(now, sent / 4);
      }
      if (it.congestion(now, pong, 0) === "late") lateAt = now;
      it.send(1.6, now, pong, 0);
      sent += 1600;
    }
    expect(lateAt).toBeGreaterThan(2000);
    expect(lateAt).toBeLessThan(30_000);
  });
});

describe("S6 bytes queued in the process", () => {
  test("it is late when the oldest of them is too old, without any ping", () => {
    const it = opened();
    it.send(100, 0, undefined, 0);
    it.send(100, 1500, undefined, 100 * KiB);
    expect(it.congestion(1999, undefined, 200 * KiB)).toBe("none");
    expect(it.congestion(2001, undefined, 200 * KiB)).toBe("late");
    // The first hundred have left: the rest is recent.
    expect(it.congestion(2002, undefined, 100 * KiB)).toBe("none");
    expect(it.congestion(3600, undefined, 100 * KiB)).toBe("late");
    expect(it.drained(3700, undefined, 100 * KiB)).toBe(false);
    expect(it.drained(3800, undefined, 0)).toBe(true);
  });

  test("an empty queue in this process does not count as drained while pongs say otherwise", () => {
    const it = opened();
    it.send(1, 0, 0, 0);
    it.send(300, 10, 10, 0);
    expect(it.drained(20, 10, 0)).toBe(false);
  });

  test("S7 it is stuck if nothing got through for that time, not while something does", () => {
    const it = opened();
    it.send(300, 0, undefined, 0);
    for (let second = 1; second < 20; second++) {
      expect(it.isStuck(5000, second * 1000, undefined, (300 - second) * KiB)).toBe(false);
    }
    expect(it.isStuck(5000, 24_001, undefined, 281 * KiB)).toBe(true);
  });
});

test("on a runtime that tells nothing, a client that never pings is sent an allowance and no more", () => {
  const it = opened();
  it.send(800, 0);
  expect(it.congestion(1)).toBe("none");
  it.send(1, 2);
  expect(it.congestion(3)).toBe("unproven");
});
