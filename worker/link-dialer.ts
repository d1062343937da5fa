// Links to the relays below an object, as sockets that it dials. The relay's end sleeps with its subscribers; this end
// does not.
import { PING, PONG } from "../protocol/control.ts";
import { LINK_VERSIONS } from "../protocol/link.ts";
import type { Links } from "./core/links.ts";
import type { Sink } from "./core/sink.ts";

/** Identifies the caller: the versions that the parent speaks, and the generation of the link. */
export const LINK_HEADER = "x-roomcast-link";

type Measured = WebSocket & { readonly bufferedAmount?: number };

/** Runs a function at the present time. */
type Act = (act: (now: number) => void) => void;

/** How to reach an object by its id, and the headers to send in addition to those of every link. */
export interface Reached {
  readonly stub: Pick<Fetcher, "fetch">;
  readonly told?: object;
}

/** Dials for one object. `act` runs the core, and sets its timers. */
export class LinkDialer {
  readonly #reach: (id: string) => Reached;
  readonly #links: () => Links;
  readonly #act: Act;

  constructor(reach: (id: string) => Reached, links: () => Links, act: Act) {
    this.#reach = reach;
    this.#links = links;
    this.#act = act;
  }

  /** Tells the links whether it succeeded. */
  dial(relay: string, generation: number): void {
    const failed = () => this.#act((now) => this.#links().closed(now, relay, generation));
    this.#open(relay, generation).catch(failed);
  }

  async #open(relay: string, generation: number): Promise<void> {
    const { stub, told } = this.#reach(relay);
    const wanted = encodeURIComponent(JSON.stringify({ generation, versions: LINK_VERSIONS, ...told }));
    const headers = { upgrade: "websocket", [LINK_HEADER]: wanted };
    const { webSocket: ws } = await stub.fetch(`https://relay/${encodeURIComponent(relay)}`, { headers });
    if (ws === null) throw new Error("the relay accepted no link");
    ws.binaryType = "arraybuffer";
    const link = linkSink(ws);
    ws.addEventListener("message", ({ data }) => {
      if (data === PING) link.pong();
      else if (typeof data === "string") this.#act((now) => this.#links().text(now, relay, generation, data));
    });
    const closed = () => this.#act((now) => this.#links().closed(now, relay, generation));
    ws.addEventListener("close", closed);
    ws.addEventListener("error", closed);
    ws.accept();
    this.#act((now) => {
      if (!this.#links().opened(now, relay, generation, link.sink)) ws.close(1000, "no longer wanted");
    });
  }
}

/** A dialled socket as the core sees it. It does not sleep, so none of its state is stored. */
function linkSink(ws: Measured): { readonly sink: Sink; pong(): void } {
  let pongAt: number | undefined;
  const whileOpen = (act: () => void): void => {
    if (ws.readyState === WebSocket.OPEN) act();
  };
  const sink: Sink = {
    send: (message) => whileOpen(() => ws.send(message)),
    close: (code, text) => whileOpen(() => ws.close(code, text)),
    bufferedBytes: () => (ws.readyState === WebSocket.OPEN ? ws.bufferedAmount : 0),
    lastPong: () => pongAt,
    save: () => {},
  };
  const pong = (): void => {
    pongAt = Date.now();
    sink.send(PONG);
  };
  return { sink, pong };
}
