// A hibernating WebSocket as the core sees it.
import type { Attachment } from "./core/attachment.ts";
import { versioned } from "./core/attachment-parser.ts";
import type { Sink } from "./core/sink.ts";

/** Runtimes since 1.20261117 report the queued bytes; in older ones this is undefined. */
type Measured = WebSocket & { readonly bufferedAmount?: number };

/** The `Sink` of `ws`. Errors on a socket that is already closing are left to its close event. */
export function socketSink(context: DurableObjectState, ws: Measured): Sink {
  const isOpen = () => ws.readyState === WebSocket.OPEN;
  return {
    send: (message) => {
      if (isOpen()) ws.send(message);
    },
    close: (code, text) => {
      if (isOpen()) ws.close(code, text);
    },
    bufferedBytes: () => {
      const queued = ws.bufferedAmount;
      return queued !== 0 && !isOpen() && isReleased(context, ws) ? 0 : queued;
    },
    lastPong: () => context.getWebSocketAutoResponseTimestamp(ws)?.getTime(),
    save: (state: Attachment) => {
      if (isOpen()) ws.serializeAttachment(versioned(state));
    },
  };
}

/** Returns true if the runtime has released a closed socket. Its queue is then free, whatever `bufferedAmount` says. */
function isReleased(context: DurableObjectState, ws: WebSocket): boolean {
  try {
    context.getTags(ws);
    return false;
  } catch {
    return true;
  }
}

/**
 * Answers the client's Close, which had `code`. Without an answer, the client would wait until it gives up. Does
 * nothing if no Close arrived (`wasClean` false: the connection broke, or the client ended its half of it), or after a
 * Close of the room's own.
 */
export function answerClose(ws: WebSocket, code: number, wasClean: boolean): void {
  if (!wasClean) return;
  if (isSendable(code)) ws.close(code);
  else ws.close();
}

/**
 * Returns true if a Close may have this code. Other codes only describe an event (1005: a Close without a code), or are
 * invalid.
 */
function isSendable(code: number): boolean {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return isDefined || (code >= 3000 && code <= 4999);
}
