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
    bufferedBytes: () => (ws.readyState !== WebSocket.OPEN && isReleased(context, ws) ? 0 : ws.bufferedAmount),
    lastPong: () => context.getWebSocketAutoResponseTimestamp(ws)?.getTime(),
    save: (state: Attachment) => ignoreClosing(() => ws.serializeAttachment(versioned(state))),
  };
}

/** Has the runtime let go of a socket that was closed? What it had queued is free then, whatever `bufferedAmount` says. */
function isReleased(context: DurableObjectState, ws: WebSocket): boolean {
  try {
    context.getTags(ws);
    return false;
  } catch {
    return true;
  }
}

/**
 * Answers the client's Close, which came with `code`; without an answer it would wait for one until it gives up. Does
 * nothing where no Close came (`wasClean` false: the connection broke, or the client ended its half of it), and after a
 * Close of the room's own.
 */
export function answerClose(ws: WebSocket, code: number, wasClean: boolean): void {
  if (!wasClean) return;
  if (isSendable(code)) ws.close(code);
  else ws.close();
}

/** May a Close have this code? The others only stand for what happened (1005: a Close without a code), or mean nothing. */
function isSendable(code: number): boolean {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return isDefined || (code >= 3000 && code <= 4999);
}
