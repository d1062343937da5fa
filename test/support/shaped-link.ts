// A TCP proxy that a test shapes while it runs: it can be cut for a while, or be slow in one direction.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const EVERY_MS = 20;

/** A link to one port of this machine, until it is disposed. */
export class ShapedLink implements AsyncDisposable {
  /** The limits of what clients send and receive; undefined: none. */
  bytesPerSecondUp: number | undefined;
  bytesPerSecondDown: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      if (this.#isCut) return void near.destroy();
      const far = connect({ host: "127.0.0.1", port: target, noDelay: true });
      const timers = [
        forward(near, far, () => this.bytesPerSecondUp),
        forward(far, near, () => this.bytesPerSecondDown),
      ];
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          for (const timer of timers) clearInterval(timer);
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
    });
  }

  static async start(target: number): Promise<ShapedLink> {
    const link = new ShapedLink(target);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Nothing passes, and no connection succeeds, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Reads by hand: unread data stays with the sender, as on a slow link. */
function forward(from: Socket, to: Socket, bytesPerSecond: () => number | undefined): NodeJS.Timeout {
  const pass = (most: number) => {
    const bytes = Math.min(from.readableLength, Math.floor(most));
    const chunk: Buffer | null = bytes > 0 ? from.read(bytes) : null;
    if (chunk !== null) to.write(chunk);
  };
  from.on("readable", () => {
    if (bytesPerSecond() === undefined) pass(Number.POSITIVE_INFINITY);
  });
  from.on("end", () => to.end());
  return setInterval(() => pass(((bytesPerSecond() ?? Number.POSITIVE_INFINITY) * EVERY_MS) / 1000), EVERY_MS);
}
