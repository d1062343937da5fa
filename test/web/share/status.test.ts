// The status that the page shows while sharing.
import { expect, test } from "vitest";
import { pictureSize } from "../../../web/share/picture-size.ts";
import { type BroadcastFigures, shareStatus } from "../../../web/share/status.ts";

const figures = (fields: Partial<BroadcastFigures> = {}): BroadcastFigures => ({
  rate: { bitrate: 2_000_000, isSkipping: false },
  backlogSeconds: 0,
  connected: true,
  hasBegun: true,
  bytes: 1_500_000,
  droppedFrames: 0,
  ...fields,
});

test("the state is what matters most: no room before a slow way, a slow way before a live one", () => {
  const is = (fields?: Partial<BroadcastFigures>) => shareStatus(figures(fields), 2_000_000).is;
  expect(shareStatus(undefined, 1).is).toBe("idle");
  expect(is()).toBe("live");
  expect(is({ connected: false, hasBegun: false })).toBe("connecting");
  expect(is({ connected: false })).toBe("away");
  expect(is({ rate: { bitrate: 1_000_000, isSkipping: false } })).toBe("slow");
  expect(is({ rate: { bitrate: 150_000, isSkipping: true } })).toBe("skipping");
  expect(shareStatus(figures(), 2_000_000).rate).toBe("up to 2.0 Mbit/s, 1.5 MB sent");
});

test("pictures keep their proportion, have even sides, and shrink where the bitrate is low", () => {
  expect(pictureSize(1280, 720, 2_000_000)).toEqual({ width: 1280, height: 720 });
  expect(pictureSize(1280, 720, 600_000)).toEqual({ width: 960, height: 540 });
  expect(pictureSize(1280, 720, 150_000)).toEqual({ width: 480, height: 270 });
  expect(pictureSize(3840, 2160, 5_000_000)).toEqual({ width: 1920, height: 1080 });
  expect(pictureSize(641, 361, 2_000_000)).toEqual({ width: 640, height: 360 });
  expect(pictureSize(1, 1, 1)).toEqual({ width: 2, height: 2 });
});
