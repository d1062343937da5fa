// The command lines that send video into a room, with its real values.

/** Where a TCP producer connects. */
export interface Endpoint {
  readonly host: string;
  readonly port: string;
}

const TEST_PICTURE = [
  "-loglevel error -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine",
  "-c:v libx264 -preset veryfast -tune zerolatency -g 60 -b:v 2M -pix_fmt yuv420p -c:a aac -f mpegts pipe:1",
].join(" ");
const FILE = "-loglevel error -re -i FILE -c copy -f mpegts pipe:1";

/** The host and the port of an ingest link like `tcp://127.0.0.1:9000`. */
export function parseIngest(link: string): Endpoint | undefined {
  const match = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^/:[\]]+)):(\d{1,5})\/?$/.exec(link);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3];
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** Sends a moving test picture with a tone. */
export function testPictureCommand(room: string, token: string, to: Endpoint): string {
  return command(room, token, TEST_PICTURE, to);
}

/** Sends a file at its own speed; `FILE` is for the reader to replace. */
export function fileCommand(room: string, token: string, to: Endpoint): string {
  return command(room, token, FILE, to);
}

function command(room: string, token: string, ffmpeg: string, to: Endpoint): string {
  const preamble = `ROOMCAST/1 room=${room} token=${token} framing=mpegts`;
  return `(printf '${preamble}\\n'; ffmpeg ${ffmpeg}) | nc ${to.host} ${to.port}`;
}
