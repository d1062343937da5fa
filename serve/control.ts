// Requests of the server to its Worker, over a socket that nobody else can open.
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** An answer of the Worker. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The socket: a file in a folder of its own that only this user may enter. */
export class Control implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "roomcast-"));

  /** Short enough for a socket's name, which a path in the state folder may not be. */
  get path(): string {
    return join(this.#folder, "control");
  }

  /** Frees the name for another process. */
  clear(): void {
    rmSync(this.path, { force: true });
  }

  /** Rejects if there is no answer within `ms`. */
  ask(path: "/status" | `/recall?after=${number}`, ms: number): Promise<ControlAnswer> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.path, path, agent: false, signal: AbortSignal.timeout(ms) });
      asked.once("error", reject);
      asked.once("response", (response) => {
        text(response)
          .then((body) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(body) }))
          .catch(reject);
      });
      asked.end();
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
