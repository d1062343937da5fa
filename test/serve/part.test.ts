// A supervised process: restarted when it ends, and stopped permanently on request.
import { type ChildProcess, spawn } from "node:child_process";
import { expect, test } from "vitest";
import { createLogger } from "../../ingest-bridge/index.ts";
import { Part } from "../../serve/part.ts";
import { waitFor, within } from "../support/wait.ts";

const READY = "process.stdout.write('ready');";
const children: ChildProcess[] = [];

function partOf(script: string, isPatient = false): Part {
  return new Part({
    name: "part",
    log: createLogger("silent"),
    isPatient,
    onSpawn: () => {},
    spawn: (ready) => {
      const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout?.once("data", ready);
      children.push(child);
      return child;
    },
  });
}

test("one that ends is started again, until it is stopped", async () => {
  const part = partOf(`${READY} setInterval(() => {}, 1000)`);
  await part.start();
  expect([part.isUp, part.restarts]).toEqual([true, 0]);
  children.at(-1)?.kill("SIGKILL");
  await waitFor("a restart", () => part.isUp && part.restarts === 1);
  await part.stop(5000);
  expect([part.isUp, children.at(-1)?.signalCode]).toEqual([false, "SIGTERM"]);
});

test("one that was never ready fails, or, where patience helps, is tried again", async () => {
  await expect(within("the end", partOf("process.exit(3)").start())).rejects.toThrow("part did not start");
  const part = partOf("process.exit(3)", true);
  const started = part.start();
  await waitFor("another try", () => part.restarts > 0);
  await part.stop(0);
  await within("nothing to wait for", started);
});

test("one that does not heed SIGTERM is killed", async () => {
  const part = partOf(`process.on('SIGTERM', () => {}); ${READY} setInterval(() => {}, 1000)`);
  await part.start();
  await part.stop(10);
  expect(children.at(-1)?.signalCode).toBe("SIGKILL");
});
