// Two runtimes: Node for everything that is pure, has sockets or starts processes; workerd for the Worker from inside.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { SECRET } from "./test/support/secret.ts";

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/count-reporter.ts"],
    projects: [
      {
        test: {
          name: "node",
          sequence: { groupOrder: 0 },
          include: ["test/**/*.test.ts"],
          exclude: ["test/worker/*.test.ts", "test/end-to-end/**"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "end-to-end",
          sequence: { groupOrder: 2 },
          include: ["test/end-to-end/**/*.test.ts"],
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
            miniflare: { bindings: { TOKEN_SECRET: SECRET, OPERATOR_KEY: SECRET, ROOM_CREATION: "open" } },
          }),
        ],
        test: { name: "worker", sequence: { groupOrder: 1 }, include: ["test/worker/*.test.ts"], testTimeout: 30_000 },
      },
    ],
  },
});
