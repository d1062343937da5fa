// A TCP producer of the bridge, as a source of stamped frames: records with their lengths.
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { readReplies } from "../../cli/replies.ts";
import { stampedPayload } from "../../load/accounting/stamp.ts";
import { DEFAULT_TRACK } from "../../protocol/names.ts";
import { formatPreamble } from "../../protocol/preamble.ts";
import { Daemon } from "../targets/process.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";
import type { Source } from "./publisher.ts";

const COMMAND = fileURLToPath(new URL("../../dist/cli/roomcast.js", import.meta.url));
const LENGTH_BYTES = 4;

/** The built bridge in a process of its own, in front of a room. */
export interface RunningBridge extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts it on any port. */
export async function startBridgeProcess(worker: string): Promise<RunningBridge> {
  const args = ["bridge", "--listen", "tcp://127.0.0.1:0", "--status", "127.0.0.1:0", "--worker", worker];
  const [daemon, match] = await Daemon.start(process.execPath, [COMMAND, ...args], /"tcp:\/\/127\.0\.0\.1:(\d+)"/);
  const dispose = () => daemon[Symbol.asyncDispose]();
  return { pid: daemon.pid, port: Number(match[1]), [Symbol.asyncDispose]: dispose };
}

/** One producer. */
export class BenchProducer implements Source {
  published = 0;
  onReady: () => void = () => {};
  readonly #payloadBytes: number;
  readonly #socket: net.Socket;

  private constructor(socket: net.Socket, payloadBytes: number) {
    this.#socket = socket;
    this.#payloadBytes = payloadBytes;
    socket.on("drain", () => this.onReady());
  }

  /** Resolves when the bridge accepts it. */
  static async join(port: number, target: RoomcastTarget, payloadBytes: number): Promise<BenchProducer> {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    const { room, publishToken: token } = target;
    socket.write(formatPreamble({ room, token, track: DEFAULT_TRACK, framing: "length32" }));
    const accepted = await readReplies(socket).next();
    if (!accepted.value?.startsWith("OK ")) throw new Error(`the bridge said ${accepted.value}`);
    return new BenchProducer(socket, payloadBytes);
  }

  get isReady(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  publish(frames: number): void {
    for (let count = 0; count < frames; count++) {
      const record = Buffer.alloc(LENGTH_BYTES + this.#payloadBytes);
      record.writeUInt32BE(this.#payloadBytes);
      record.set(stampedPayload(this.#payloadBytes, this.published++, performance.now()), LENGTH_BYTES);
      this.#socket.write(record);
    }
  }

  leave(): void {
    this.#socket.destroy();
  }
}
