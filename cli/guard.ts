// Ends child processes of a package that would survive this process: a shell waits for this process to end, and then
// kills them.
import { type ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** `read` ends when the pipe does: when this process ends, in any way. */
const SCRIPT = 'read -r _; kill -9 "$1"';

const GUARDS = new WeakSet<ChildProcess>();

/** Guards each process that starts from now on, until the returned function is called. */
export function guardChildren(): () => void {
  // Windows has no such shell.
  if (process.platform === "win32") return () => {};
  const found = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    // The event fires before the process has its id.
    child.once("spawn", () => guard(child));
  };
  subscribe("child_process", found);
  return () => void unsubscribe("child_process", found);
}

function guard(child: ChildProcess): void {
  if (GUARDS.has(child)) return;
  const shell = spawn("sh", ["-c", SCRIPT, "sh", String(child.pid)], {
    // So that signals from a terminal to our process group do not reach it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  GUARDS.add(shell);
  shell.on("error", () => {});
  shell.unref();
  child.once("exit", () => shell.kill("SIGKILL"));
}
