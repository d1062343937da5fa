// A share of a load's subscribers: in this process, or in a process of its own.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Counts } from "./accounting/counts.ts";
import { Crowd } from "./crowd.ts";
import type { CrowdOptions } from "./options.ts";

/** The subscribers of one process. */
export interface Share {
  /** The subscribers begin to join. */
  join(): void;
  /** The own publisher has published this number of frames. */
  published(frames: number): void;
  stopJoining(): void;
  /** The current counts; rejects if the process has ended. */
  counts(): Promise<Counts>;
  /** All subscribers leave. */
  close(): Promise<void>;
}

/** An order to a process of a share. The answer to `counts` is `Counts`. */
type Order =
  | { readonly do: "take"; readonly options: CrowdOptions }
  | { readonly do: "published"; readonly frames: number }
  | { readonly do: "join" | "stop-joining" | "counts" | "close" };

/** In this process. */
export function localShare(options: CrowdOptions): Share {
  const crowd = new Crowd(options);
  return {
    join: () => crowd.join(),
    published: (frames) => crowd.published(frames),
    stopJoining: () => crowd.stopJoining(),
    counts: async () => crowd.counts(),
    close: async () => crowd.close(),
  };
}

/** In a process of its own: `program` with `args` has to call `serveShare`. Resolves when it does. */
export async function forkedShare(program: string, args: readonly string[], options: CrowdOptions): Promise<Share> {
  const child = fork(program, args, { serialization: "advanced" });
  const ended = once(child, "exit");
  const send = (order: Order) => void (child.connected && child.send(order));
  await nextMessage(child);
  // Not an argument, because the options contain a token.
  send({ do: "take", options });
  return {
    join: () => send({ do: "join" }),
    published: (frames) => send({ do: "published", frames }),
    stopJoining: () => send({ do: "stop-joining" }),
    counts: () => askCounts(child, send),
    close: async () => {
      send({ do: "close" });
      await ended;
    },
  };
}

/** Executes the orders of the process that forked this one; resolves at the end. */
export async function serveShare(): Promise<void> {
  let share: Share | undefined;
  // Ctrl-C reaches all processes of a terminal, but only the first one decides what happens.
  process.on("SIGINT", () => {});
  process.on("message", async (order: Order) => {
    if (order.do === "take") share = localShare(order.options);
    else if (order.do === "join") share?.join();
    else if (order.do === "published") share?.published(order.frames);
    else if (order.do === "stop-joining") share?.stopJoining();
    else if (order.do === "counts") process.send?.(await share?.counts());
    else process.disconnect();
  });
  process.send?.("ready");
  await once(process, "disconnect");
  await share?.close();
}

async function askCounts(child: ChildProcess, send: (order: Order) => void): Promise<Counts> {
  const answer = nextMessage(child);
  send({ do: "counts" });
  return (await answer) as Counts;
}

/** Rejects if the process ends instead. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const gone = new AbortController();
  const onExit = () => gone.abort();
  child.once("exit", onExit);
  if (!child.connected) gone.abort();
  try {
    const [message] = await once(child, "message", { signal: gone.signal });
    return message;
  } catch (cause) {
    throw new Error("a process of the load has ended", { cause });
  } finally {
    child.off("exit", onExit);
  }
}
