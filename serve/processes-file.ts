// The file that names the processes that use a state folder. So two servers never share one, and the leftovers of a
// killed server are ended.
import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod/mini";

/** A process and its start time: its id may later belong to another process. */
const processSchema = z.object({ pid: z.number(), began: z.string() });
const fileSchema = z.object({ server: processSchema, parts: z.array(processSchema) });
type Known = z.infer<typeof processSchema>;

/** A killed process may take so long to go, on a busy machine. */
const GONE_MS = 5000;
const LOOK_MS = 10;
/** Nobody ever wakes who waits for it. */
const CLOCK = new Int32Array(new SharedArrayBuffer(4));

/** The processes of one state folder. */
export class ProcessesFile {
  readonly #path: string;
  readonly #server: Known = { pid: process.pid, began: beginOf(process.pid) ?? "" };
  readonly #parts = new Map<string, Known>();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Takes the folder. Returns the id of the server that uses it; undefined: there is none, and leftover processes have
   * ended.
   */
  take(): number | undefined {
    const { server, parts } = this.#read();
    if (server !== undefined && server.pid !== process.pid && isThere(server)) return server.pid;
    const left = parts.filter(isThere);
    for (const { pid } of left) process.kill(pid, "SIGKILL");
    // Their ports are free when they are gone.
    const end = performance.now() + GONE_MS;
    while (left.some(isThere) && performance.now() < end) Atomics.wait(CLOCK, 0, 0, LOOK_MS);
    this.#write();
    return undefined;
  }

  /** A part has a new process. If the disk is full, the server continues without the entry. */
  note(name: string, pid: number | undefined): void {
    const began = pid === undefined ? undefined : beginOf(pid);
    if (pid === undefined || began === undefined) this.#parts.delete(name);
    else this.#parts.set(name, { pid, began });
    try {
      this.#write();
    } catch {
      // The next server may then find a leftover process on its port.
    }
  }

  #read(): { server: Known | undefined; parts: Known[] } {
    try {
      return z.parse(fileSchema, JSON.parse(readFileSync(this.#path, "utf8")));
    } catch {
      return { server: undefined, parts: [] };
    }
  }

  #write(): void {
    const text = JSON.stringify({ server: this.#server, parts: [...this.#parts.values()] });
    writeFileSync(this.#path, `${text}\n`, { mode: 0o600 });
  }
}

function isThere({ pid, began }: Known): boolean {
  return began !== "" && beginOf(pid) === began;
}

/**
 * The start of a process, in ticks since the machine's start; undefined: there is no such process, or the system does
 * not tell (not Linux).
 */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may contain anything: field 22 of the line, and the state in field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
