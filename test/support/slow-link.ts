// A TCP proxy that passes what a server sends at so many bytes per second; the other way is fast.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const EVERY_MS = 50;

/** A slow link to one port of this machine, until it is disposed. */
export class SlowLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, bytesPerSecond: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host: "127.0.0.1", port: target, noDelay: true });
      near.pipe(far);
      // Read by hand: what is not read stays with the server's side, as on a slow link.
      far.on("readable", () => {});
      const timer = setInterval(() => {
        const available = Math.min(far.readableLength, Math.floor((bytesPerSecond * EVERY_MS) / 1000));
        const chunk: Buffer | null = available > 0 ? far.read(available) : null;
        if (chunk !== null) near.write(chunk);
      }, EVERY_MS);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          clearInterval(timer);
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
    });
  }

  static async start(target: number, bytesPerSecond: number): Promise<SlowLink> {
    const link = new SlowLink(target, bytesPerSecond);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
