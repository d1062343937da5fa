// A raw WebSocket of a room that a test controls, and that records what arrives.
import { type Handshake, Wire } from "../../load/wire.ts";

/** The address, and the credential; no token: none. */
export interface Seat {
  /** Of the Worker. */
  readonly url: string;
  readonly room: string;
  readonly token?: string | undefined;
  readonly framed?: boolean;
  readonly query?: string;
}

/** One connection. It offers compression as browsers do, and fails if the offer is accepted. */
export class WireClient {
  /** Payload bytes of binary messages, including headers of frames. */
  bytes = 0;
  readonly texts: string[] = [];
  /** The codes of received Closes; 1006 when the TCP connection has ended. */
  readonly closes: number[] = [];
  /** The kinds of received data, in order. */
  readonly order: ("data" | "text" | "close")[] = [];
  #wire: Wire | undefined;

  private constructor() {}

  static async open(seat: Seat): Promise<WireClient> {
    const client = new WireClient();
    client.#wire = await Wire.open(handshakeOf(seat), {
      data: (_chunk, start, end) => {
        client.bytes += end - start;
        client.order.push("data");
      },
      text: (message) => {
        client.texts.push(message);
        client.order.push("text");
      },
      closed: (code) => {
        client.closes.push(code);
        client.order.push("close");
      },
    });
    return client;
  }

  get wire(): Wire {
    if (this.#wire === undefined) throw new Error("not open");
    return this.#wire;
  }
}

/** The handshake for `seat`. */
export function handshakeOf({ url, room, token, framed = true, query = "" }: Seat): Handshake {
  return {
    port: Number(new URL(url).port),
    path: `/rooms/${room}/ws?${query}`,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(framed && { "sec-websocket-protocol": "roomcast.v1" }),
    },
  };
}
