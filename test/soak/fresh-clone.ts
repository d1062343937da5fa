// A clone on a machine with only Node, npm and git: no packages, an empty npm cache, and nothing of this project on the
// PATH.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Process } from "../support/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MEGABYTE = 2 ** 20;

/** A folder with the clone, the cache, and stand-ins for missing programs. Disposing it deletes everything. */
export class FreshClone implements Disposable {
  readonly #home = mkdtempSync(join(tmpdir(), "roomcast-clone-"));
  /** The folder of the commands. */
  readonly folder = join(this.#home, "roomcast");
  readonly #cache = join(this.#home, "npm-cache");
  readonly #programs = join(this.#home, "bin");

  constructor() {
    for (const folder of [this.#cache, this.#programs]) mkdirSync(folder);
    this.add("roomcast");
    // The output of the room, instead of a picture on a screen.
    this.#stand("ffplay", '#!/bin/sh\nexec cat > "$WATCHED"\n');
  }

  /** Another clone beside it, with the same cache. It contains only what is committed. */
  add(name: string): string {
    const folder = join(this.#home, name);
    execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${ROOT}`, folder], { stdio: "inherit" });
    return folder;
  }

  /** Creates ffmpeg, a film and a log, when its packages are installed. */
  addMedia(): void {
    const path = join(this.folder, "node_modules/@ffmpeg-installer", `${process.platform}-${process.arch}`, "ffmpeg");
    if (!this.has("ffmpeg")) symlinkSync(path, join(this.#programs, "ffmpeg"));
    const film = "-loglevel error -f lavfi -i testsrc2=size=640x360:rate=30:duration=3 -f lavfi -i sine=duration=3";
    const encode = "-c:v libx264 -preset ultrafast -g 30 -pix_fmt yuv420p -c:a aac film.mp4";
    execFileSync("ffmpeg", `${film} ${encode}`.split(" "), { cwd: this.folder, env: this.#env() });
    writeFileSync(join(this.folder, "app.log"), "started\nready\n");
  }

  /** The file of a stand-in for a player. */
  get watched(): string {
    return join(this.#home, "watched");
  }

  has(program: string): boolean {
    try {
      execFileSync("sh", ["-c", 'command -v "$1"', "sh", program], { env: this.#env(), stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  /** Starts a command line in its own process group. */
  start(line: string, env: Readonly<Record<string, string>> = {}, folder = this.folder): Process {
    return Process.start("bash", ["-c", line], { cwd: folder, env: { ...this.#env(), ...env }, detached: true });
  }

  /** The `node` of the commands. */
  get node(): string {
    return execFileSync("node", ["--version"], { env: this.#env() }).toString().trim();
  }

  /** The secrets that the first start created. */
  get secrets(): Record<string, string> {
    const file = join(this.folder, ".dev.vars");
    return existsSync(file) ? (parseEnv(readFileSync(file, "utf8")) as Record<string, string>) : {};
  }

  /** Disk space. */
  get megabytes(): { readonly clone: number; readonly cache: number } {
    const size = (path: string) => {
      const [bytes] = execFileSync("du", ["-s", "--block-size=1", path]).toString().split("\t");
      return Math.round(Number(bytes) / MEGABYTE);
    };
    return { clone: size(this.folder), cache: size(this.#cache) };
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  #env(): NodeJS.ProcessEnv & Record<string, string> {
    const own = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
    return {
      PATH: [this.#programs, ...own].join(delimiter),
      npm_config_cache: this.#cache,
      WATCHED: this.watched,
      // The static ffmpeg crashes in the system's iconv modules as soon as a transport stream names its service.
      GCONV_PATH: "/nonexistent",
    };
  }

  #stand(name: string, script: string): void {
    if (this.has(name)) return;
    writeFileSync(join(this.#programs, name), script);
    chmodSync(join(this.#programs, name), 0o755);
  }
}
