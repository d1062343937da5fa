// The account of framed subscribers compared with the facts: random deliveries, silent losses, gaps, repeats,
// reconnects, epochs.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Counts, noCounts, runName, sumOf } from "../../../load/accounting/counts.ts";
import { FramedAccount } from "../../../load/accounting/framed-account.ts";
import { resultOf, waitingOf } from "../../../load/accounting/result.ts";
import { stampedPayload } from "../../../load/accounting/stamp.ts";
import { encodeMessage, Flag, FrameType } from "../../../protocol/frame.ts";

const RUN = 77;
const NAME = "main";
const EPOCHS = [40, 25, 60];
const FACTS = { published: undefined, publisherRefused: undefined, seconds: 1, isInterrupted: false };

type Fate = "came" | "told";

/** A room's view of one subscriber, and the fate of each frame that is due to it. */
class Truth {
  readonly counts: Counts = noCounts();
  readonly account = new FramedAccount(this.counts, RUN, () => this.stamped++);
  readonly fates = new Map<string, Fate>();
  /** For each of its epochs: the first due frame. */
  readonly firsts = new Map<number, number>();
  stamped = 0;
  isConnected = false;
  /** For each epoch: the frame behind the last one that arrived or was reported. */
  readonly #decided = new Map<number, number>();
  #epoch = 0;
  #next: number;

  constructor(first: number) {
    this.#next = first;
    this.connect();
  }

  get #end(): number {
    return EPOCHS[this.#epoch] ?? 0;
  }

  /** Continues at the subscriber's position, or as for a newcomer. */
  connect(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    this.account.opened();
    const position = this.#decided.get(this.#epoch);
    const start = position === undefined ? undefined : `${NAME}:${this.#epoch}.${position}`;
    expect(this.account.start).toBe(start);
    this.#next = position ?? this.#next;
    this.#announce();
  }

  cut(): void {
    this.isConnected = false;
  }

  deliver(frames: number): void {
    this.#send(this.#next, Math.min(this.#end, this.#next + frames));
  }

  repeat(frames: number): void {
    this.#send(Math.max(this.firsts.get(this.#epoch) ?? 0, this.#next - frames), this.#next);
  }

  /** They are lost on their way. */
  lose(frames: number): void {
    if (this.isConnected) this.#next = Math.min(this.#end, this.#next + frames);
  }

  /** From before its position, or exactly from it. */
  tell(frames: number, before: number): void {
    if (!this.isConnected || this.#next === this.#end) return;
    const to = Math.min(this.#end, this.#next + frames) - 1;
    this.#gap(Math.max(0, this.#next - before), to);
    this.#next = to + 1;
  }

  /** Frames that arrived, were reported, or are already lost, are reported missing. */
  tellAgain(frames: number): void {
    const first = this.firsts.get(this.#epoch) ?? 0;
    if (this.isConnected && this.#next - frames > first) this.#gap(first, this.#next - frames - 1);
  }

  /** The next epoch begins. The rest of this one is reported, exactly or not, or not at all. */
  leave(how: "exactly" | "roughly" | "silently", first: number): void {
    if (!this.isConnected || this.#epoch === EPOCHS.length - 1) return;
    if (how === "roughly") this.#gap(this.#next, null);
    if (how === "exactly" && this.#next < this.#end) this.#gap(this.#next, this.#end - 1);
    this.#epoch++;
    this.#next = first;
    this.#announce();
  }

  /** The due frames, and those that neither arrived nor were reported. */
  get due(): { expected: number; came: number; told: number; lost: number } {
    const sums = { expected: 0, came: 0, told: 0, lost: 0 };
    for (const [epoch, first] of this.firsts) {
      for (let sequence = first; sequence < (EPOCHS[epoch] ?? 0); sequence++) {
        const byTheEnd = !this.isConnected && epoch === this.#epoch && sequence >= (this.#decided.get(epoch) ?? 0);
        sums.expected++;
        sums[this.fates.get(`${epoch}.${sequence}`) ?? (byTheEnd ? "told" : "lost")]++;
      }
    }
    return sums;
  }

  #announce(): void {
    if (!this.firsts.has(this.#epoch)) {
      this.firsts.set(this.#epoch, this.#next);
      this.#decided.set(this.#epoch, this.#next);
    }
    this.account.control({ type: "track", track: 3, name: NAME, epoch: String(this.#epoch), sequence: this.#next });
  }

  #gap(from: number, to: number | null): void {
    const last = to ?? this.#end - 1;
    for (let sequence = from; sequence <= last; sequence++) this.#decide(sequence, "told");
    this.account.control({ type: "gap", name: NAME, epoch: String(this.#epoch), from, to, reason: "lagged" });
  }

  #send(from: number, to: number): void {
    if (!this.isConnected || from >= to) return;
    const frames = Array.from({ length: to - from }, (_, index) => {
      this.#decide(from + index, "came");
      const payload = stampedPayload(30, from + index, 5, RUN);
      return { type: FrameType.frame, flags: 0, track: 3, sequence: from + index, timestamp: 0, payload };
    });
    this.account.binary(encodeMessage(frames));
    this.#next = Math.max(this.#next, to);
  }

  /** The first decision counts, and nobody goes back behind a decided frame: a lost frame stays lost. */
  #decide(sequence: number, fate: Fate): void {
    if (sequence < (this.#decided.get(this.#epoch) ?? 0)) return;
    this.#decided.set(this.#epoch, sequence + 1);
    this.fates.set(`${this.#epoch}.${sequence}`, fate);
  }
}

const few = fc.integer({ min: 1, max: 12 });
const step = fc.oneof(
  { weight: 6, arbitrary: few.map((n) => (one: Truth) => one.deliver(n)) },
  few.map((n) => (one: Truth) => one.lose(n)),
  few.map((n) => (one: Truth) => one.repeat(n)),
  fc.tuple(few, fc.integer({ min: 0, max: 5 })).map(
    ([n, before]) =>
      (one: Truth) =>
        one.tell(n, before),
  ),
  few.map((n) => (one: Truth) => one.tellAgain(n)),
  fc.constant((one: Truth) => one.cut()),
  { weight: 3, arbitrary: fc.constant((one: Truth) => one.connect()) },
  fc.tuple(fc.constantFrom("exactly" as const, "roughly" as const, "silently" as const), few).map(
    ([how, first]) =>
      (one: Truth) =>
        one.leave(how, first),
  ),
);

test("S2 every due frame is counted once: it arrived, was reported missing, or is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(few, fc.array(step, { maxLength: 40 })), { minLength: 1, maxLength: 4 }), (all) => {
      const truths = all.map(([first, steps]) => {
        const truth = new Truth(first);
        for (const one of steps) one(truth);
        return truth;
      });
      const counts = sumOf(
        truths.map(({ account, counts, isConnected }) => {
          account.addTo(counts, !isConnected);
          return structuredClone(counts);
        }),
      );
      const ends = Object.fromEntries(EPOCHS.map((end, epoch) => [runName(NAME, String(epoch)), end]));
      const result = resultOf(counts, { ...FACTS, ends, processes: 1, cpuShare: 0 });
      const sum = (of: (truth: Truth) => number) => truths.reduce((total, truth) => total + of(truth), 0);
      expect({
        expected: result.framesExpected,
        came: result.framesReceived,
        told: result.framesToldMissing,
        lost: result.framesLostUntold,
      }).toEqual({
        expected: sum(({ due }) => due.expected),
        came: sum(({ due }) => due.came),
        told: sum(({ due }) => due.told),
        lost: sum(({ due }) => due.lost),
      });
      expect(sum(({ stamped }) => stamped)).toBe(result.framesReceived);
    }),
    { numRuns: Number(process.env.ROOMCAST_RUNS ?? 1000) },
  );
});

test("the mark at the end of an epoch, copies of the init and frames of others are not frames with stamps", () => {
  let [frames, stamps] = [0, 0];
  const counts = noCounts();
  const account = new FramedAccount(counts, RUN, (sentAt) => {
    frames++;
    if (sentAt !== undefined) stamps++;
  });
  account.opened();
  expect(account.start).toBeUndefined();
  account.control({ type: "track", track: 0, name: NAME, epoch: "e", sequence: 5 });
  const common = { track: 0, timestamp: 0 };
  const message = encodeMessage([
    { ...common, type: FrameType.init, flags: 0, sequence: 5, payload: stampedPayload(24, 0, 1, RUN) },
    { ...common, type: FrameType.frame, flags: Flag.key, sequence: 5, payload: stampedPayload(24, 0, 1, RUN) },
    { ...common, type: FrameType.frame, flags: 0, sequence: 6, payload: stampedPayload(24, 1, 1, RUN + 1) },
    { ...common, type: FrameType.frame, flags: 0, sequence: 7, payload: new Uint8Array(3) },
    { ...common, type: FrameType.frame, flags: Flag.end, sequence: 8, payload: new Uint8Array(0) },
  ]);
  account.binary(message);
  expect([frames, stamps, account.start]).toEqual([3, 1, "main:e.9"]);
  account.addTo(counts, false);
  const ends = { [runName(NAME, "e")]: 8 };
  expect(waitingOf({ ...counts, joined: 1, connected: 1 }, ends, undefined)).toBe(0);
  const result = resultOf(counts, { ...FACTS, ends, processes: 1, cpuShare: 0 });
  expect(result).toMatchObject({ framesExpected: 3, framesReceived: 3, framesLostUntold: 0 });
});

test("a track that was not announced is an error of the room", () => {
  const account = new FramedAccount(noCounts(), RUN, () => {});
  account.opened();
  const frame = { type: FrameType.frame, flags: 0, track: 1, sequence: 0, timestamp: 0, payload: new Uint8Array(1) };
  expect(() => account.binary(encodeMessage([frame]))).toThrow("not announced");
});
