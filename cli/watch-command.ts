// `roomcast watch`: one track of a room to stdout, payload bytes and nothing else.
import { once } from "node:events";
import { Command, Option } from "commander";
import { RefusedError, Subscriber, type SubscriberEvent } from "../client/index.ts";
import { nodeEnvironment } from "../client/node.ts";
import { DEFAULT_TRACK, isRoomId, isTrackName } from "../protocol/names.ts";
import { Failure } from "./failure.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

interface WatchOptions extends TokenOptions {
  readonly url: string;
  readonly track: string;
  readonly start: string;
  readonly delivery: "live" | "latest" | "reliable";
}

const HELP = `
Gaps, changes of the source and lost connections are told on stderr.
For example: roomcast watch demo | ffplay -`;

/** The command, for the program. */
export function watchCommand(): Command {
  const command = new Command("watch")
    .description("Write a track of a room to stdout.")
    .argument("<room>", "the room's id")
    .option("--url <url>", "the Worker's base URL", "http://127.0.0.1:8787")
    .option("--track <track>", "the track's name", DEFAULT_TRACK)
    .option("--start <start>", "group, live, -SECONDS or EPOCH.SEQUENCE", "group")
    .addOption(
      new Option(
        "--delivery <mode>",
        "what happens when stdout is too slow: skip, keep only the newest, or wait (needs the right reliable)",
      )
        .choices(["live", "latest", "reliable"])
        .default("live"),
    )
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

async function run(room: string, { url, track, start, delivery, ...credential }: WatchOptions): Promise<void> {
  if (!isRoomId(room)) throw new Failure("the room is no room id", 2);
  if (!isTrackName(track)) throw new Failure("the track is no track name", 2);
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new Failure("--url is no http:// or https:// URL", 2);
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
    await copy(subscriber);
  } catch (error) {
    if (error instanceof RefusedError) throw new Failure(error.message);
    throw error;
  }
}

async function copy(events: AsyncIterable<SubscriberEvent>): Promise<void> {
  let written: Uint8Array | undefined;
  for await (const event of events) {
    if (event.type === "frame") {
      await write(event.payload);
    } else if (event.type === "init") {
      if (written === undefined || Buffer.compare(written, event.payload) !== 0) await write(event.payload);
      written = event.payload;
    } else {
      const text = describe(event);
      if (text !== undefined) process.stderr.write(`roomcast: ${text}\n`);
    }
  }
}

async function write(payload: Uint8Array): Promise<void> {
  if (!process.stdout.write(payload)) await once(process.stdout, "drain");
}

function describe(event: SubscriberEvent): string | undefined {
  switch (event.type) {
    case "gap":
      return `gap from ${event.epoch}.${event.from} to ${event.to ?? "the end"} (${event.reason})`;
    case "source":
      return `the source is ${event.state}`;
    case "connection":
      return `connection ${event.state}`;
    default:
      return undefined;
  }
}
