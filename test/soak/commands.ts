// `npm run soak -- commands`: runs every command in README and docs/ in a fresh clone, unless it needs an account.
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Flag } from "../../protocol/frame.ts";
import { launchBrowser } from "../support/browser.ts";
import { createRoom, type TestRoom } from "../support/local-room.ts";
import type { Process } from "../support/processes.ts";
import { waitFor, within } from "../support/wait.ts";
import { type Block, commandBlocks } from "./command-blocks.ts";
import { type Run, ruleFor } from "./command-rules.ts";
import { FreshClone } from "./fresh-clone.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FIRST = "npm install && npm start";
const PORTS = [8787, 9000, 9100];
/** It uses the ports of the first start. */
const AFTER = "docs/self-hosting.md";
const INSTALL_MS = 10 * 60_000;
const WAIT_MS = 60_000;

/** Prints the result of each command. Sets `process.exitCode` to 1 if one did not work. */
export async function soakCommands(tell: (found: object) => void): Promise<void> {
  // The variables that npm sets for its scripts are not in a reader's shell.
  for (const name of Object.keys(process.env)) if (/^npm_/i.test(name)) delete process.env[name];
  for (const port of PORTS) if (await accepts(port)) throw new Error(`port ${port} is taken: nothing can be shown`);
  using clone = new FreshClone();
  const texts = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).toSorted()];
  const blocks = texts.flatMap((path) => commandBlocks(path, readFileSync(join(ROOT, path), "utf8")));
  const first = await firstUse(clone, tell);
  try {
    clone.addMedia();
    const reader = new Reader(clone, first.url, tell);
    for (const block of blocks) if (block.document !== AFTER) await reader.read(block);
    await reader.finish();
  } finally {
    await stop(first.npm, tell);
  }
  const reader = new Reader(clone, first.url, tell);
  for (const block of blocks) if (block.document === AFTER) await reader.read(block);
  await reader.finish();
}

/** From the clone to a picture. */
async function firstUse(clone: FreshClone, tell: (found: object) => void) {
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const npm = clone.start(FIRST);
  const [, link = ""] = await npm.says(/Watch the sample: +(http:\/\/\S+)/, INSTALL_MS);
  const [, url = ""] = await npm.says(/Create a room: +(http:\/\/\S+)\//);
  const printed = seconds();
  await playsIn(link);
  const { node } = clone;
  tell({ command: FIRST, is: "ran", node, secondsToLink: printed, secondsToPicture: seconds(), ...clone.megabytes });
  // Warnings of npm or of the start.
  if (npm.stderr !== "") tell({ command: FIRST, is: "complained", of: npm.stderr.slice(0, 1000) });
  return { npm, url };
}

async function playsIn(link: string): Promise<void> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(link);
    const time = "document.querySelector('roomcast-player')?.shadowRoot?.querySelector('video')?.currentTime ?? 0";
    await waitFor("a picture", async () => Number(await page.evaluate(time)) > 0.5, WAIT_MS);
  } finally {
    await browser.close();
  }
}

/** SIGTERM to npm alone, as a supervisor sends it: nothing may be left. */
async function stop(npm: Process, tell: (found: object) => void): Promise<void> {
  npm.child.kill("SIGTERM");
  await within("the end of npm start", npm.exit, WAIT_MS);
  const isOpen = async () => (await Promise.all(PORTS.map(accepts))).includes(true);
  await waitFor("free ports", async () => !(await isOpen()), WAIT_MS);
  tell({ command: "SIGTERM to npm start", is: "ran" });
}

/** Goes through the texts like a reader who types each command. */
class Reader {
  readonly #clone: FreshClone;
  readonly #url: string;
  readonly #tell: (found: object) => void;
  readonly #services: Process[] = [];
  #second: string | undefined;
  #document = "";
  /** The room of the bridge's port 9001. */
  #portRoom: TestRoom | undefined;

  constructor(clone: FreshClone, url: string, tell: (found: object) => void) {
    this.#clone = clone;
    this.#url = url;
    this.#tell = tell;
  }

  async read({ document, commands }: Block): Promise<void> {
    // Services that a text starts run until its end.
    if (document !== this.#document) await this.finish();
    this.#document = document;
    let own: TestRoom | undefined;
    const before: string[] = [];
    for (const command of commands) {
      const rule = ruleFor(command);
      const lacking = typeof rule === "object" ? rule.needs?.filter((program) => !this.#clone.has(program)) : undefined;
      const why =
        typeof rule === "string" ? rule : lacking?.length ? `needs ${lacking}` : rule ? undefined : "nobody said how";
      const said = { document, command: command.split("\n")[0] };
      if (why !== undefined || typeof rule !== "object") {
        this.#tell({ ...said, is: "not run", why });
        continue;
      }
      try {
        const room = /publish\.token|:9001/.test(command) ? await this.#atPort() : (own ?? (await this.#room(command)));
        own = room === this.#portRoom ? own : room;
        const line = fitted(command, rule, room, this.#url);
        await this.#run([...before, line].join("\n"), rule, room);
        if (/^(?:cd|export|\.) /.test(command)) before.push(line);
        this.#tell({ ...said, is: "ran", ...(rule.instead && { instead: rule.instead }) });
      } catch (error) {
        this.#tell({ ...said, is: "failed", why: String(error) });
        process.exitCode = 1;
      }
    }
  }

  async finish(): Promise<void> {
    for (const service of this.#services.splice(0)) await service[Symbol.asyncDispose]();
  }

  /** Only if the command needs one. */
  async #room(command: string): Promise<TestRoom | undefined> {
    return /\bROOM\b|\bTOKEN\b/.test(command) ? createRoom(this.#url) : undefined;
  }

  async #atPort(): Promise<TestRoom> {
    const room = this.#portRoom ?? (await createRoom(this.#url));
    this.#portRoom = room;
    writeFileSync(join(this.#clone.folder, "publish.token"), room.tokens.publish);
    return room;
  }

  async #run(line: string, { proof, isFed, beside, token, in: where }: Run, room: TestRoom | undefined): Promise<void> {
    const { OPERATOR_KEY = "" } = this.#clone.secrets;
    writeFileSync(join(this.#clone.folder, "operator.token"), OPERATOR_KEY);
    for (const file of [this.#clone.watched, this.#recording]) rmSync(file, { force: true });
    if (where !== undefined) this.#second ??= this.#clone.add("second");
    const env = {
      OPERATOR_KEY,
      ADMIN_TOKEN: OPERATOR_KEY,
      URL: this.#url,
      ...(room && token && { ROOMCAST_TOKEN: room.tokens[token] }),
    };
    const frames = proof.by === "publishing" ? await this.#frames(room) : 0;
    await using feed = isFed && room ? Feed.into(this.#url, room) : undefined;
    const running = this.#clone.start(line, env, where === undefined ? undefined : this.#second);
    if (proof.by === "service") {
      this.#services.push(running);
      await running.says(proof.says, WAIT_MS);
      return;
    }
    await using _ = running;
    await using __ = beside === undefined ? undefined : this.#clone.start(`sleep 2; ${beside}`);
    if (proof.by === "publishing") await waitFor("frames", async () => (await this.#frames(room)) > frames, WAIT_MS);
    if (proof.by === "watching") await waitFor("bytes", () => running.stdout !== "" || this.#hasSeen(), WAIT_MS);
    if (proof.by !== "watching" && !(proof.by === "publishing" && !proof.ends)) await running.succeeds(INSTALL_MS);
    if (proof.by === "end" && proof.says && !proof.says.test(running.stdout + running.stderr))
      throw new Error(`it does not say ${proof.says}: ${running.stdout.slice(0, 300)}`);
    feed?.stop();
  }

  get #recording(): string {
    return join(this.#clone.folder, "recording.ts");
  }

  #hasSeen(): boolean {
    return [this.#clone.watched, this.#recording].some(
      (file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0,
    );
  }

  async #frames(room: TestRoom | undefined): Promise<number> {
    const headers = { authorization: `Bearer ${room?.tokens.admin}` };
    const answer = await fetch(`${this.#url}/api/rooms/${room?.room}`, { headers });
    return ((await answer.json()) as { counters: { framesReceived: number } }).counters.framesReceived;
  }
}

/** The command with a reader's values for the names in capitals. */
function fitted(command: string, { token = "publish", instead = [] }: Run, room: TestRoom | undefined, url: string) {
  let line = command.replaceAll("https://HOST", url);
  for (const [from, to] of instead) line = line.replace(from, to);
  if (room === undefined) return line;
  return line.replace(/(?<=ROOMCAST_TOKEN=)\.\.\.|\bTOKEN\b/g, room.tokens[token]).replace(/\bROOM\b/g, room.room);
}

/** Ten frames a second. */
class Feed implements AsyncDisposable {
  readonly #publisher: Publisher;
  readonly #timer: NodeJS.Timeout;

  private constructor(publisher: Publisher) {
    this.#publisher = publisher;
    const frame = () => [{ payload: new TextEncoder().encode("a line\n"), flags: Flag.key }];
    this.#timer = setInterval(() => void publisher.write(frame()).catch(() => {}), 100);
  }

  static into(url: string, { room, tokens }: TestRoom): Feed {
    return new Feed(new Publisher({ url, room, token: tokens.publish, environment: nodeEnvironment }));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#publisher.end();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
