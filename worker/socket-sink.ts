// A hibernating WebSocket as the core sees it.
import type { Attachment } from "./core/attachment.ts";
import { versioned } from "./core/attachment-parser.ts";
import type { Sink } from "./core/sink.ts";

/** Runtimes since 1.20261117 tell what is queued; for older ones it is undefined. */
type Measured = WebSocket & { readonly bufferedAmount?: number };

/** The `Sink` of `ws`. What fails on a socket that is already closing is left to its close event. */
export function socketSink(context: DurableObjectState, ws: Measured): Sink {
  const ignoreClosing = (act: () => void): void => {
    if (ws.readyState !== WebSocket.OPEN) return;
    act();
  };
  return {
    send: (message) => ignoreClosing(() => ws.send(message)),
    close: (code, text) => ignoreClosing(() => ws.close(code, text)),
    bufferedBytes: () => ws.bufferedAmount,
    lastPong: () => context.getWebSocketAutoResponseTimestamp(ws)?.getTime(),
    save: (state: Attachment) => ignoreClosing(() => ws.serializeAttachment(versioned(state))),
  };
}
