// A producer for tests: a TCP connection that records the answers.
import { once } from "node:events";
import net from "node:net";
import { until } from "./until.ts";

/** A connected producer. */
export class Producer {
  readonly socket: net.Socket;
  /** All answers so far. */
  answer = "";

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.answer += text;
    });
    socket.on("error", () => {});
  }

  static async connect(port: number, text = ""): Promise<Producer> {
    return Producer.on(net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }), "connect", text);
  }

  /** A producer on a connecting socket. */
  static async on(socket: net.Socket, event: string, text: string): Promise<Producer> {
    await once(socket, event);
    const producer = new Producer(socket);
    if (text !== "") socket.write(text);
    return producer;
  }

  /** The answer, once it has `count` lines. */
  async lines(count: number): Promise<string[]> {
    await until(() => this.answer.split("\n").length > count);
    return this.answer.split("\n").slice(0, count);
  }

  /** The whole answer, once the bridge has closed the connection. */
  async hungUp(): Promise<string> {
    await until(() => this.socket.readableEnded || this.socket.destroyed);
    this.socket.end();
    return this.answer;
  }
}

/** The line of a producer. */
export function preamble(fields = ""): string {
  return `ROOMCAST/1 room=demo token=${TOKEN}${fields === "" ? "" : ` ${fields}`}\n`;
}

/** A token that must never be in a log. */
export const TOKEN = "secret.token.text";
