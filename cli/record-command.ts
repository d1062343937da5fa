// `roomcast record`: writes one track of a room into a file until its source ends.
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command } from "commander";
import { RefusedError, Subscriber } from "../client/index.ts";
import { nodeEnvironment } from "../client/node.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { Failure } from "./failure.ts";
import { copyRoom } from "./room-copy.ts";
import { checkTarget } from "./room-target.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

interface RecordOptions extends TokenOptions {
  readonly url: string;
  readonly track: string;
  readonly start: string;
  readonly out: string;
}

const HELP = `
The command ends when the source ends, or with Ctrl-C. It reports gaps on stderr.
If the start is in the past, the data comes from the room's recording, if there is one.
Example: roomcast record demo --start -600 --out last-ten-minutes.ts`;

/** The command, for the program. */
export function recordCommand(): Command {
  const command = new Command("record")
    .description("Write a track of a room into a file until its source ends.")
    .argument("<room>", "the room's id")
    .requiredOption("--out <file>", "the file, which is overwritten")
    .option("--url <url>", "the Worker's base URL", "http://127.0.0.1:8787")
    .option("--track <track>", "the track's name", DEFAULT_TRACK)
    .option("--start <start>", "where to start: group, live, -SECONDS or EPOCH.SEQUENCE", "group")
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

async function run(room: string, { url, track, start, out, ...credential }: RecordOptions): Promise<void> {
  checkTarget(room, track, url);
  const token = tokenFrom(credential);
  await token();
  const file = createWriteStream(out);
  const failed = new Promise<never>((_, reject) => {
    file.on("error", (error) => reject(new Failure(`cannot write ${out}: ${error.message}`)));
  });
  const subscriber = new Subscriber({ url, room, token, tracks: [track], start, environment: nodeEnvironment });
  const leave = () => subscriber.close();
  process.once("SIGINT", leave).once("SIGTERM", leave);
  try {
    await Promise.race([copyRoom(subscriber, file, { untilOffline: true }), failed]);
    await Promise.race([finished(file.end()), failed]);
  } catch (error) {
    if (error instanceof RefusedError) throw new Failure(error.message);
    throw error;
  } finally {
    subscriber.close();
    process.off("SIGINT", leave).off("SIGTERM", leave);
  }
  process.stderr.write(`roomcast: ${file.bytesWritten} bytes in ${out}\n`);
}
