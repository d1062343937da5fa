// The commands that send video into a room, for each system, with the room's real values. Every command ends with its
// source.

/** The address for TCP producers. */
export interface Endpoint {
  readonly host: string;
  readonly port: string;
  /** True if it speaks TLS. */
  readonly isSecure: boolean;
}

export const SYSTEMS = ["linux", "mac", "windows", "obs"] as const;
export type System = (typeof SYSTEMS)[number];

/** `id` is its id in the page. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** `to` undefined: the address for producers is unknown. `worker`: the http(s) base of the Worker. */
export interface Target {
  readonly room: string;
  readonly token: string;
  readonly to: Endpoint | undefined;
  readonly worker: string;
}

const TEST_PICTURE = [
  "-loglevel error -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine",
  "-c:v libx264 -preset veryfast -tune zerolatency -g 60 -b:v 2M -pix_fmt yuv420p -c:a aac -f mpegts pipe:1",
].join(" ");
const FILE = "-loglevel error -re -i FILE -c copy -f mpegts pipe:1";

/** The requirements, and the meaning of the words in capitals. */
export function aboutCommands(system: System, to: Endpoint | undefined): string {
  const usesNc = system === "linux" || system === "mac";
  return usesNc && to?.isSecure ? SECURE : ABOUT[system];
}

const ABOUT: Readonly<Record<System, string>> = {
  linux: "You need ffmpeg and nc (OpenBSD netcat). Replace FILE with the name of an H.264 video.",
  mac: "You need ffmpeg. Replace FILE with the name of an H.264 video.",
  windows:
    "You need ffmpeg and Node. Paste the command into the Command Prompt, not into PowerShell. Replace FILE with the name of an H.264 video.",
  obs: "The quick way: start OBS's virtual camera, open the room, press Share camera, and choose it. The other way uses OBS's own encoder: run this bridge (it needs Node), set up OBS as shown below, and press Start Recording.",
};

/** The same where nc, which speaks no TLS, is replaced. */
const SECURE = "You need ffmpeg and Node. Replace FILE with the name of an H.264 video.";

/** An ingest link like `tcp://127.0.0.1:9000` or `tls://ingest.example:9000`. */
export function parseIngest(link: string): Endpoint | undefined {
  const match = /^(tcp|tls):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^/:[\]]+)):(\d{1,5})\/?$/.exec(link);
  const host = match?.[2] ?? match?.[3];
  const port = match?.[4];
  return host === undefined || port === undefined ? undefined : { host, port, isSecure: match?.[1] === "tls" };
}

/**
 * A moving test picture with a tone, and a file at its own speed. For OBS: the bridge to run beside it, and its
 * settings.
 */
export function commandsFor(system: System, target: Target): readonly Command[] {
  if (system === "obs") return obs(target);
  const { to } = target;
  if (to === undefined) return [];
  return [
    { id: "test-command", title: "Send a test picture", text: command(system, { ...target, to }, TEST_PICTURE) },
    { id: "file-command", title: "Send a file", text: command(system, { ...target, to }, FILE) },
  ];
}

function command(system: System, { room, token, to }: Target & { readonly to: Endpoint }, ffmpeg: string): string {
  const host = to.host.includes(":") ? `[${to.host}]` : to.host;
  const send = `npx roomcast send ${room} --ingest ${to.isSecure ? "tls://" : ""}${host}:${to.port} --framing mpegts`;
  if (system === "windows") return `set ROOMCAST_TOKEN=${token}&& ffmpeg ${ffmpeg} | ${send}`;
  if (to.isSecure) return `ffmpeg ${ffmpeg} | ROOMCAST_TOKEN=${token} ${send}`;
  const preamble = `ROOMCAST/1 room=${room} token=${token} framing=mpegts`;
  // Without this option, OpenBSD's nc stays after the end of its input. Apple's does not know the option.
  const nc = system === "linux" ? "nc -N" : "nc";
  return `(printf '${preamble}\\n'; ffmpeg ${ffmpeg}) | ${nc} ${to.host} ${to.port}`;
}

function obs({ room, token, worker }: Target): readonly Command[] {
  const route = `tcp://127.0.0.1:9001?room=${room}&framing=mpegts&token-env=ROOMCAST_TOKEN`;
  const settings = [
    "Settings, Output, Output Mode: Advanced; Recording, Type: Custom Output (FFmpeg)",
    "FFmpeg Output Type: Output to URL",
    "File path or URL: tcp://127.0.0.1:9001",
    "Container Format: mpegts",
    "Video Encoder: libx264, Keyframe interval: 30, Video Encoder Settings: tune=zerolatency",
    "Audio Encoder: aac",
  ];
  return [
    {
      id: "bridge-command",
      title: "Run a bridge beside OBS",
      text: `ROOMCAST_TOKEN=${token} npx roomcast bridge --worker ${worker} --status 127.0.0.1:0 --listen "${route}"`,
    },
    { id: "obs-settings", title: "OBS settings", text: settings.join("\n") },
  ];
}
