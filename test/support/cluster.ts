// Several servers that share a bucket, and a stream into a room of theirs.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../cli/free-port.ts";
import { DEFAULT_TRACK } from "../../protocol/names.ts";
import type { TestRoom } from "./local-room.ts";
import { produce } from "./producer.ts";
import { Recorder } from "./recorder.ts";
import { S3Double } from "./s3-double.ts";
import { SECRET } from "./secret.ts";
import { ServeProcess } from "./serve-process.ts";

const RECORD_BYTES = 1000;

/** `servers[0]` gets the first request for a room, and so owns it. Disposing it ends everything. */
export class TestCluster implements AsyncDisposable {
  readonly bucket: S3Double;
  readonly servers: ServeProcess[] = [];
  readonly #folder: string;
  readonly #timeDivisor: number;
  readonly #vars: Readonly<Record<string, string>>;

  private constructor(bucket: S3Double, folder: string, timeDivisor: number, vars: Readonly<Record<string, string>>) {
    this.#vars = vars;
    this.bucket = bucket;
    this.#folder = folder;
    this.#timeDivisor = timeDivisor;
  }

  /** `timeDivisor`: the factor by which leases are shorter than 20 s. */
  static async start(folder: string, size: number, timeDivisor = 1, vars = {}): Promise<TestCluster> {
    const cluster = new TestCluster(await S3Double.start(SECRET), folder, timeDivisor, vars);
    cluster.servers.push(...(await Promise.all(Array.from({ length: size }, (_, index) => cluster.#server(index)))));
    return cluster;
  }

  server(index: number): ServeProcess {
    const found = this.servers[index];
    if (found === undefined) throw new Error(`there is no server ${index}`);
    return found;
  }

  async createRoom(settings: object = {}): Promise<TestRoom> {
    const headers = { authorization: `Bearer ${SECRET}` };
    const body = JSON.stringify({ settings });
    const response = await fetch(`${this.server(0).url}/api/rooms`, { method: "POST", headers, body });
    if (response.status !== 201) throw new Error(await response.text());
    return (await response.json()) as TestRoom;
  }

  /** A subscriber that joins through one of the servers. */
  join({ room, tokens }: TestRoom, index: number, only?: string): Promise<Recorder> {
    return Recorder.join({ url: this.server(index).url, room, token: tokens.subscribe }, "live", only);
  }

  async #server(index: number): Promise<ServeProcess> {
    const args = ["--cluster", "s3://bucket/test", "--cluster-address", `127.0.0.1:${await freePort()}`];
    return ServeProcess.start(join(this.#folder, String(index)), {
      args,
      env: {
        ...this.#vars,
        AWS_ENDPOINT_URL: this.bucket.url,
        AWS_REGION: "auto",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: SECRET,
        TOKEN_SECRET: SECRET,
        OPERATOR_KEY: SECRET,
        CLUSTER_KEY: SECRET,
        ROOMCAST_UNSAFE_TIME_DIVISOR: String(this.#timeDivisor),
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
    await this.bucket[Symbol.asyncDispose]();
  }
}

/** Records of a kilobyte, through the bridge of a server, until the end. */
export class RecordStream {
  readonly #written: Buffer[] = [];
  readonly #sending: Promise<number>;
  #isOver = false;

  constructor(server: ServeProcess, { room, tokens }: TestRoom, everyMs = 5, track = DEFAULT_TRACK) {
    this.#sending = produce(server.ingestPort, { room, token: tokens.publish, track }, this.#records(everyMs));
    this.#sending.catch(() => {});
  }

  /** All written bytes. */
  get sent(): Buffer {
    return Buffer.concat(this.#written);
  }

  /** Resolves when the bridge has confirmed every byte. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#sending;
  }

  async *#records(everyMs: number): AsyncIterable<Buffer> {
    while (!this.#isOver) {
      const record = Buffer.alloc(RECORD_BYTES, this.#written.length);
      record.writeUInt32BE(this.#written.length);
      this.#written.push(record);
      yield record;
      await sleep(everyMs);
    }
  }
}
