// Two runtimes: Node for everything that is pure, has sockets or starts processes; workerd for the Worker from inside.
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { SECRET } from "./test/support/secret.ts";

/** A worker for each core: by default one core is left to vitest itself, which is half of a machine that has two. */
const maxWorkers = availableParallelism();

/** Processes that wait more than they work: two files side by side take nothing from each other. */
const PATIENT = [
  "bad-input",
  "bridge-*",
  "close-handshake",
  "compression",
  "console",
  "cost",
  "embed",
  "events",
  "events-restart",
  "full-disk",
  "load",
  "package",
  "page",
  "players",
  "recording",
  "recording-page",
  "refusals",
  "relay-api",
  "relay-attacks",
  "relay-faults",
  "relay-members",
  "room-page",
  "rooms",
  "serve",
  "serve-events",
  "serve-recordings",
  "stream",
].map((name) => `test/end-to-end/${name}.test.ts`);

/** Those that take longest, or need programs that few machines have: `npm run soak -- long` runs them. */
const LONG = [
  "cluster",
  "recording-faults",
  "recording-minute",
  "relay-sleep",
  "relay-versions",
  "reverse-proxies",
  "share-sources",
].map((name) => `test/end-to-end/${name}.test.ts`);
const isLong = process.env.ROOMCAST_LONG === "1";

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/count-reporter.ts"],
    projects: [
      {
        test: {
          name: "node",
          setupFiles: ["./test/support/seeded-runs.ts"],
          sequence: { groupOrder: 0 },
          maxWorkers,
          include: ["test/**/*.test.ts"],
          exclude: ["test/worker/*.test.ts", "test/end-to-end/**"],
          // Some start processes, while another file uses the other core.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "end-to-end-patient",
          sequence: { groupOrder: 2 },
          maxWorkers,
          include: PATIENT,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "end-to-end",
          sequence: { groupOrder: 3 },
          include: ["test/end-to-end/**/*.test.ts"],
          exclude: [...PATIENT, ...(isLong ? [] : LONG)],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // Real processes and real load: side by side they would take each other's time.
          fileParallelism: false,
        },
      },
      {
        plugins: [
          cloudflareTest({
            main: "worker/index.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              r2Buckets: ["RECORDINGS"],
              bindings: { TOKEN_SECRET: SECRET, OPERATOR_KEY: SECRET, ROOM_CREATION: "open" },
              // Under a name that the Worker does not look for.
              d1Databases: { TEST_INDEX: "test-index" },
            },
          }),
        ],
        test: {
          name: "worker",
          sequence: { groupOrder: 1 },
          maxWorkers,
          include: ["test/worker/*.test.ts"],
          // Above the 30 s that a test waits for one thing.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
