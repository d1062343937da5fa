// `roomcast watch`: writes one track of a room to stdout, payload bytes and nothing else.
import { Command, Option } from "commander";
import { RefusedError, Subscriber } from "../client/index.ts";
import { nodeEnvironment } from "../client/node.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { Failure } from "./failure.ts";
import { copyRoom } from "./room-copy.ts";
import { checkTarget } from "./room-target.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

interface WatchOptions extends TokenOptions {
  readonly url: string;
  readonly track: string;
  readonly start: string;
  readonly delivery: "live" | "latest" | "reliable";
}

const HELP = `
The command reports gaps, changes of the source and lost connections on stderr.
Example: roomcast watch demo | ffplay -`;

/** The command, for the program. */
export function watchCommand(): Command {
  const command = new Command("watch")
    .description("Write a track of a room to stdout.")
    .argument("<room>", "the room's id")
    .option("--url <url>", "the Worker's base URL", "http://127.0.0.1:8787")
    .option("--track <track>", "the track's name", DEFAULT_TRACK)
    .option("--start <start>", "where to start: group, live, -SECONDS or EPOCH.SEQUENCE", "group")
    .addOption(
      new Option(
        "--delivery <mode>",
        "behaviour when stdout is too slow: skip, keep only the newest group, or wait (needs the right reliable)",
      )
        .choices(["live", "latest", "reliable"])
        .default("live"),
    )
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

async function run(room: string, { url, track, start, delivery, ...credential }: WatchOptions): Promise<void> {
  checkTarget(room, track, url);
  const token = tokenFrom(credential);
  await token();
  const environment = nodeEnvironment;
  const subscriber = new Subscriber({ url, room, token, tracks: [track], start, delivery, environment });
  const leave = () => {
    subscriber.close();
    process.exit(0);
  };
  process.once("SIGINT", leave).once("SIGTERM", leave);
  process.stdout.on("error", leave);
  try {
    await copyRoom(subscriber, process.stdout);
  } catch (error) {
    if (error instanceof RefusedError) throw new Failure(error.message);
    throw error;
  }
}
