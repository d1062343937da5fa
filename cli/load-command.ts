// `roomcast load`: joins a room with many subscribers, and accounts for every frame.
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { RefusedError } from "../client/index.ts";
import {
  type Counts,
  type LoadResult,
  type LoadUser,
  type Phase,
  runLoad,
  STAMP_BYTES,
  serveShare,
} from "../load/index.ts";
import { MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import { isRoomId, isTrackName } from "../protocol/names.ts";
import { Failure } from "./failure.ts";
import { costBetween, costSoFar, type LoadCost } from "./load-cost.ts";
import { describeLoad } from "./load-text.ts";
import { formatBytes } from "./progress.ts";
import { StatusLine } from "./status-line.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

interface LoadCommandOptions extends TokenOptions {
  readonly url: string;
  readonly subscribers: number;
  readonly ramp: number;
  readonly seconds: number;
  readonly track?: string;
  readonly plain?: true;
  readonly publish?: true;
  readonly rate: number;
  readonly frameBytes: number;
  readonly publishToken?: string;
  readonly publishTokenFile?: string;
  readonly adminTokenFile?: string;
  readonly processes: number;
  readonly json?: string;
}

const SHARE_COMMAND = "load-share";
/** The number of ports that one address has for connections to another address. */
const MAX_SUBSCRIBERS = 60_000;
const MAX_PROCESSES = 64;

const HELP = `
Run it against your own deployment only. Subscribers behave like the client library: they ping, reconnect after a
close, and resume at their position.

Each subscriber should get every frame from its first one up to the end of the stream. A frame counts as received, as
reported missing, or as silently lost. It is reported missing if a gap message covers it, or if the subscriber was
disconnected when it came and did not get back in. It is silently lost if neither is the case when the drain ends. The
drain ends when everything has arrived, or after 15 s in which nothing arrived. A plain subscriber gets no gap messages,
so every frame that its connection skips is silently lost. Without --publish, the frames of a plain subscriber cannot be
told apart, and only bytes are counted.

Latencies are those of the frames that --publish sends, from the write to each subscriber, without frames from history.
A generator without spare processor time measures its own delay: see "generator", and use --processes.

Ctrl-C ends the load in an orderly way and prints the result. A second Ctrl-C skips the drain.
Each subscriber needs a file descriptor: see ulimit -n.

Exit codes: 0 success; 1 frames were silently lost, or a subscriber could not join; 2 wrong usage.`;

/** The command, for the program. */
export function loadCommand(): Command {
  const option = (isWhole: boolean) => (flags: string, help: string, least: number, most: number, initial: number) =>
    new Option(flags, help).argParser(numberParser(isWhole, least, most)).default(initial);
  const [count, number] = [option(true), option(false)];
  const command = new Command("load")
    .description("Join a room with many subscribers, and account for every frame.")
    .argument("<room>", "the room's id")
    .option("--url <url>", "the Worker's base URL", "http://127.0.0.1:8787")
    .addOption(count("--subscribers <n>", "number of subscribers", 1, MAX_SUBSCRIBERS, 100))
    .addOption(number("--ramp <seconds>", "duration in which they join", 0, 86_400, 5))
    .addOption(number("--seconds <seconds>", "duration for which they stay after that", 0, 30 * 86_400, 30))
    .option("--track <track>", "only this track (default: all; with --plain or --publish: main)")
    .option("--plain", "subscribe in plain mode: payload bytes and nothing else")
    .option("--publish", "also publish, with time stamps to measure latencies")
    .addOption(number("--rate <n>", "frames a second to publish", 0.01, 10_000, 30))
    .addOption(count("--frame-bytes <n>", "bytes of each frame", STAMP_BYTES, MAX_PAYLOAD_BYTES, 4096))
    .option("--publish-token <token>", "a token that may publish (default: the subscribers' token)")
    .option("--publish-token-file <file>", "read the publishing token from a file")
    .option(
      "--admin-token-file <file>",
      "a file with an admin token or the operator's key: also print the cost of the load",
    )
    .addOption(
      count("--processes <n>", "distribute the subscribers over this number of processes", 1, MAX_PROCESSES, 1),
    )
    .option("--json <file>", "write the result as JSON; - is stdout")
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

/** The command for a process of `--processes`. */
export function loadShareCommand(): Command {
  return new Command(SHARE_COMMAND).action(async () => {
    if (process.send === undefined) throw new Failure("this command is a part of roomcast load", 2);
    await serveShare();
  });
}

async function run(room: string, options: LoadCommandOptions): Promise<void> {
  const { url, track, plain, publish, json } = options;
  if (!isRoomId(room)) throw new Failure("the room is not a valid room id", 2);
  if (track !== undefined && !isTrackName(track)) throw new Failure("the track is not a valid track name", 2);
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new Failure("--url is not an http:// or https:// URL", 2);
  const token = await tokenFrom(options)();
  const source = publish && {
    token: await publishToken(options, token),
    framesPerSecond: options.rate,
    frameBytes: options.frameBytes,
  };
  const { subscribers, ramp: rampSeconds, seconds, processes } = options;
  const who = { url, room, token, track, mode: plain ? "plain" : "framed" } as const;
  const cost = await costMeter(room, options, token);
  const result = await watched(subscribers, (user) =>
    runLoad({ ...who, subscribers, rampSeconds, seconds, processes, publish: source }, user),
  );
  const spent = await cost();
  const text = `${JSON.stringify({ ...result, cost: spent ?? null }, undefined, 2)}\n`;
  process.stdout.write(json === "-" ? text : describeLoad(result, spent));
  if (json !== undefined && json !== "-") await writeFile(json, text);
  const problem = problemOf(result);
  if (problem !== undefined) throw new Failure(problem);
}

/** Asks the room for its cost. Resolves with a function that asks again, and returns the difference. */
async function costMeter(
  room: string,
  { url, adminTokenFile: tokenFile }: LoadCommandOptions,
  other: string,
): Promise<() => Promise<LoadCost | undefined>> {
  const isWanted = tokenFile !== undefined;
  const token = isWanted ? await tokenFrom({ tokenFile })() : other;
  const before = await costSoFar(url, room, token, isWanted);
  return async () => {
    const after = before && (await costSoFar(url, room, token, isWanted));
    return before && after && costBetween(before, after);
  };
}

async function publishToken(options: LoadCommandOptions, other: string): Promise<string> {
  const { publishToken: token, publishTokenFile: tokenFile } = options;
  if (token === undefined && tokenFile === undefined) return other;
  return tokenFrom({ ...(token && { token }), ...(tokenFile && { tokenFile }) })();
}

/** Runs a load with its status line on the terminal; Ctrl-C ends it. */
async function watched(subscribers: number, start: (user: LoadUser) => Promise<LoadResult>): Promise<LoadResult> {
  const [stop, abandon] = [new AbortController(), new AbortController()];
  const interrupt = () => (stop.signal.aborted ? abandon.abort() : stop.abort());
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  let newest = "";
  const line = new StatusLine(process.stderr, (verdict) => [newest, verdict].filter(Boolean).join(", "));
  line.start();
  try {
    return await start({
      fork: [process.argv[1] ?? "", SHARE_COMMAND],
      progress: (...now) => {
        newest = describeProgress(subscribers, ...now);
      },
      stop: stop.signal,
      abandon: abandon.signal,
    });
  } catch (error) {
    if (error instanceof RefusedError) throw new Failure(`the publisher was ${error.message}`);
    throw new Failure(`the load failed: ${error instanceof Error ? error.message : error}`, 1, { cause: error });
  } finally {
    line.stop("done");
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function describeProgress(subscribers: number, phase: Phase, counts: Counts, published: number | undefined): string {
  const parts = [
    `${phase}: ${counts.connected} of ${subscribers} connected`,
    ...(published === undefined ? [] : [`${published} frames published`]),
    `${counts.frames} received`,
    formatBytes(counts.bytes),
    `${counts.told} reported missing`,
    `${counts.reconnects} reconnects`,
  ];
  return parts.join(", ");
}

function problemOf(result: LoadResult): string | undefined {
  const { framesLostUntold, joined, subscribers, refused, isInterrupted, refusals, publisherRefused } = result;
  if (framesLostUntold > 0) return `${framesLostUntold} frames were lost silently`;
  if (publisherRefused !== null) return `the publisher was refused: ${publisherRefused}`;
  if (refused > 0) return `${refused} subscribers were refused: ${Object.keys(refusals).join(", ")}`;
  if (joined === 0 || (joined < subscribers && !isInterrupted)) return `${joined} of ${subscribers} subscribers joined`;
  return undefined;
}

function numberParser(isWhole: boolean, least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    const isRight = text.trim() !== "" && number >= least && number <= most && (!isWhole || Number.isInteger(number));
    if (isRight) return number;
    throw new InvalidArgumentError(`Give a${isWhole ? " whole" : ""} number from ${least} to ${most}.`);
  };
}
