// The account of plain subscribers: frames are found in any chunks of bytes, and only a connection's end reports holes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { noCounts } from "../../../load/accounting/counts.ts";
import { PLAIN_RUN, PlainAccount } from "../../../load/accounting/plain-account.ts";
import { resultOf } from "../../../load/accounting/result.ts";
import { stampedPayload } from "../../../load/accounting/stamp.ts";

const RUN = 9;
const BYTES = 40;

function accountOf() {
  const times: (number | undefined)[] = [];
  const account = new PlainAccount({ bytes: BYTES, run: RUN }, (sentAt) => times.push(sentAt));
  account.opened();
  const result = (end: number, isConnected: boolean) => {
    const counts = noCounts();
    account.addTo(counts, !isConnected);
    const { framesExpected, framesReceived, framesToldMissing, framesLostUntold, framesDuplicate } = resultOf(counts, {
      ...{ ends: { [PLAIN_RUN]: end }, published: undefined, publisherRefused: undefined },
      ...{ seconds: 1, isInterrupted: false, processes: 1, cpuShare: 0 },
    });
    return [framesExpected, framesReceived, framesToldMissing, framesLostUntold, framesDuplicate];
  };
  return { account, times, result };
}

const frames = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => stampedPayload(BYTES, from + index, from + index, RUN));

test("frames are found wherever the bytes are cut, behind bytes of others", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 });
  const foreign = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(foreign, pieces, (before, cuts) => {
      const { account, times, result } = accountOf();
      const bytes = Buffer.concat([before, ...frames(3, 9)]);
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1;
        account.binary(bytes.subarray(at, at + size));
        at += size;
      }
      expect(times).toEqual([3, 4, 5, 6, 7, 8]);
      expect(result(9, true)).toEqual([6, 6, 0, 0, 0]);
    }),
  );
});

test("a hole within a connection is lost, one between two was reported by the end of the first", () => {
  const { account, result } = accountOf();
  account.binary(Buffer.concat([...frames(0, 4), ...frames(6, 8)]));
  expect(result(8, true)).toEqual([8, 6, 0, 2, 0]);
  account.binary(Buffer.concat(frames(8, 9)).subarray(0, 30));
  account.opened();
  account.binary(Buffer.concat(frames(10, 12)));
  expect(result(12, true)).toEqual([12, 8, 2, 2, 0]);
  account.opened();
  account.binary(Buffer.concat(frames(10, 14)));
  expect(result(20, true)).toEqual([20, 10, 2, 8, 2]);
  expect(result(20, false)).toEqual([20, 10, 8, 2, 2]);
});

test("without own frames nothing is counted as a frame", () => {
  let messages = 0;
  const account = new PlainAccount(undefined, () => messages++);
  account.opened();
  account.binary(Buffer.concat(frames(0, 2)));
  const counts = noCounts();
  account.addTo(counts, false);
  expect([messages, counts.frames, counts.standings]).toEqual([1, 0, {}]);
});
