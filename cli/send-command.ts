// `roomcast send`: sends stdin to a room, through a bridge.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import type { Readable } from "node:stream";
import tls from "node:tls";
import { Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_TRACK, isFormat, isRoomId, isTrackName } from "../protocol/names.ts";
import { formatPreamble, type Preamble } from "../protocol/preamble.ts";
import { FRAMINGS, type Framing } from "../protocol/splitter.ts";
import { Failure } from "./failure.ts";
import { Progress } from "./progress.ts";
import { readReplies } from "./replies.ts";
import { addTokenOptions, type TokenOptions, tokenFrom } from "./token-option.ts";

/** The bridge's address. */
interface Ingest {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

interface SendOptions extends TokenOptions {
  readonly ingest: Ingest;
  readonly ca?: string;
  readonly framing?: Framing;
  readonly track: string;
  readonly contentType?: string;
}

const HELP = `
On a terminal, a status line shows bytes, rate and buffer. Elsewhere, the command writes only errors.

Exit codes: 0 the bridge has confirmed that every byte of stdin is in the room; 1 it has not (dropped groups count as
missing); 2 wrong usage.`;

/** The command, for the program. */
export function sendCommand(): Command {
  const command = new Command("send")
    .description("Send stdin to a room, through a bridge.")
    .argument("<room>", "the room's id")
    .addOption(
      new Option("--ingest <address>", "the bridge's address: HOST:PORT, or tls://HOST:PORT")
        .argParser(parseAddress)
        .default(parseAddress("127.0.0.1:9000"), "127.0.0.1:9000"),
    )
    .option("--ca <file>", "with tls://, trust only the certificates in this PEM file (default: those of Node)")
    .addOption(new Option("--framing <framing>", "how the bridge cuts the stream (default: raw)").choices(FRAMINGS))
    .option("--track <track>", "the track's name", DEFAULT_TRACK)
    .option(
      "--content-type <type>",
      "the track's format, a MIME type without spaces (default: the format that the bridge detects)",
    )
    .addHelpText("after", HELP);
  return addTokenOptions(command).action(run);
}

async function run(
  room: string,
  { ingest, ca, framing, track, contentType: format, ...credential }: SendOptions,
): Promise<void> {
  if (!isRoomId(room)) throw new Failure("the room is not a valid room id", 2);
  if (!isTrackName(track)) throw new Failure("the track is not a valid track name", 2);
  if (format !== undefined && !(isFormat(format) && !format.includes(" ")))
    throw new Failure("the content type is not a valid MIME type", 2);
  if (ca !== undefined && !ingest.isTls) throw new Failure("--ca needs --ingest tls://HOST:PORT", 2);
  const trusted = ca === undefined ? undefined : await readFile(ca).catch(unreadable);
  const token = await tokenFrom(credential)();
  const socket = dial(ingest, trusted);
  try {
    // Only after the check of the certificate, so that no other server gets the token.
    if (ingest.isTls) await once(socket, "secureConnect");
    await send(process.stdin, socket, { room, token, track, framing, format });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`the connection to the bridge failed: ${error instanceof Error ? error.message : error}`);
  } finally {
    socket.destroy();
    process.stdin.destroy();
  }
}

function dial({ host, port, isTls }: Ingest, ca: Buffer | undefined): net.Socket {
  const to = { host, port, allowHalfOpen: true };
  const socket = isTls ? tls.connect({ ...to, ca, servername: net.isIP(host) === 0 ? host : "" }) : net.connect(to);
  return socket.setNoDelay(true);
}

/** Sends `input` after `preamble`. Resolves when the bridge has confirmed all of it; rejects if the bridge does not. */
export async function send(input: Readable, socket: net.Socket, preamble: Preamble): Promise<void> {
  const replies = readReplies(socket);
  socket.write(formatPreamble(preamble));
  await nextReply(replies);
  const sent = { bytes: 0 };
  const progress = new Progress(process.stderr, () => ({ bytes: sent.bytes, buffered: socket.writableLength }));
  progress.start();
  try {
    const [end] = await Promise.all([nextReply(replies), pump(input, socket, sent)]);
    if (end !== `END bytes=${sent.bytes}`) {
      throw new Failure(`sent ${sent.bytes} bytes, but the bridge confirmed "${end}"`);
    }
    progress.stop("everything acknowledged");
  } finally {
    progress.stop("not everything acknowledged");
  }
}

/** The bridge's next line, unless it is an `ERROR`. */
async function nextReply(replies: AsyncGenerator<string, void>): Promise<string> {
  const { value } = await replies.next();
  if (value === undefined) throw new Failure("the bridge closed the connection early");
  if (value.startsWith("ERROR ")) throw new Failure(value);
  return value;
}

/** Writes all of `input` as fast as `socket` accepts it, then its end. Counts bytes in `sent`. */
async function pump(input: Readable, socket: net.Socket, sent: { bytes: number }): Promise<void> {
  for await (const chunk of input) {
    sent.bytes += chunk.byteLength;
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
}

function parseAddress(text: string): Ingest {
  const [, scheme, host, port] = /^(?:(tcp|tls):\/\/)?(\[[\da-f:.]+\]|[^:[\]/]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError("Give HOST:PORT or tls://HOST:PORT.");
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port), isTls: scheme?.toLowerCase() === "tls" };
}

function unreadable(cause: Error): never {
  throw new Failure(`--ca cannot be read: ${cause.message}`, 2, { cause });
}
