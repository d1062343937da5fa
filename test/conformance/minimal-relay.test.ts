// The usual minimal relay passes the cases about delivery, and fails every other case: so the suite can tell the
// difference.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { startMinimalRelay } from "./support/minimal-relay.ts";
import type { Relay } from "./support/relay.ts";

let relay: Relay;

beforeAll(async () => {
  relay = await startMinimalRelay();
});

afterAll(() => relay?.close());

describe.concurrent("the minimal relay", () => {
  const [delivery, rest] = [true, false].map((is) => CASES.filter(({ about }) => (about === "delivery") === is));

  test.each(delivery ?? [])("passes $about: $name", ({ run }) => run(relay));

  test.each(rest ?? [])("fails $about: $name", async ({ run }) => {
    await expect(run(relay)).rejects.toThrow(/^(?:not seen|it was let in|bytes |it is open|it was passed on)/);
  });
});
