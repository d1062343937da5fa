// `roomcast replay`: writes the recording of a track to stdout or into a file.
import { createWriteStream } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { Failure } from "./failure.ts";
import { checkTarget } from "./room-target.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

interface ReplayOptions extends TokenOptions {
  readonly url: string;
  readonly track: string;
  readonly from?: string;
  readonly to?: string;
  readonly out?: string;
}

const HELP = `
Positions are -SECONDS, milliseconds since 1970, or EPOCH.SEQUENCE. The command reports missing frames on stderr.
Example: roomcast replay demo --from -600 | ffplay -`;

/** A broken download resumes at its position. It fails after this number of attempts in a row without a byte. */
const TRIES = 5;
const RETRY_MS = 500;

/** The command, for the program. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .description("Write the recording of a track to stdout.")
    .argument("<room>", "the room's id")
    .option("--url <url>", "the Worker's base URL", "http://127.0.0.1:8787")
    .option("--track <track>", "the track's name", DEFAULT_TRACK)
    .option("--from <place>", "where to begin (default: at the start of the recording)")
    .option("--to <place>", "where to end (default: at the recording's current end)")
    .option("--out <file>", "write into a file instead of stdout")
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

async function run(room: string, { url, track, from, to, out, ...credential }: ReplayOptions): Promise<void> {
  checkTarget(room, track, url);
  const query = new URLSearchParams({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  const address = `${url.replace(/\/+$/, "")}/api/rooms/${room}/tracks/${track}/recording?${query}`;
  const target = out === undefined ? process.stdout : createWriteStream(out);
  await download(address, tokenFrom(credential), target);
}

async function download(address: string, token: () => Promise<string>, into: Writable): Promise<void> {
  let done = 0;
  let source = address;
  let size = Number.POSITIVE_INFINITY;
  for (let failures = 0; done < size; ) {
    const headers = {
      authorization: `Bearer ${await token()}`,
      ...(done > 0 && { range: `bytes=${done}-` }),
    };
    const response = await fetch(source, { headers }).catch(() => undefined);
    if (response !== undefined && response.status >= 400 && response.status < 500) throw await refusalOf(response);
    if (response?.ok && response.body !== null) {
      if (done === 0) {
        size = Number(response.headers.get("content-length"));
        source = new URL(response.headers.get("content-location") ?? address, address).href;
        const gaps = response.headers.get("roomcast-gaps") ?? "";
        for (const gap of gaps.split(", ")) if (gap !== "") process.stderr.write(`roomcast: gap ${gap}\n`);
      }
      const before = done;
      const counted = Readable.fromWeb(response.body as ReadableStream<Uint8Array>).on("data", (chunk: Uint8Array) => {
        done += chunk.byteLength;
      });
      await pipeline(counted, into, { end: false }).catch((error: unknown) => {
        if (into.errored !== null || into.destroyed) throw new Failure(`cannot write: ${error}`);
      });
      if (done > before) failures = 0;
    }
    if (done >= size) break;
    if (++failures >= TRIES) throw new Failure("the recording could not be fetched");
    await sleep(RETRY_MS * 2 ** failures);
  }
  if (into !== process.stdout) await new Promise<void>((resolve) => into.end(resolve));
}

async function refusalOf(response: Response): Promise<Failure> {
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new Failure(`${code ?? `http_${response.status}`}: ${detail ?? "refused"}`);
}
