// The platform functions that the client needs: a WebSocket, a clock, timers, random numbers. They are injected, so
// that tests control them.

/** Why an upgrade was refused. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** The `code` of the problem document; `http_<status>` if there was none. */
  readonly code: string;
  /** The `detail` of the problem document, for people. */
  readonly detail?: string | undefined;
  /** Wait at least this long before the next attempt. */
  readonly retryAfterMs?: number | undefined;
}

/** A request over HTTP. */
export interface HttpRequest {
  readonly headers: Record<string, string>;
  /** Default: GET. */
  readonly method?: "POST";
}

/** The part of an HTTP answer that the client uses. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: {
    /** The value of a header; null if it is missing. */
    get(name: string): string | null;
  };
  /** The body; rejects if it is not JSON. */
  json(): Promise<unknown>;
}

/** Bytes that were requested over HTTP. */
export interface Download {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** How a WebSocket ended. */
export interface SocketClose {
  /** 1006 if no close frame arrived. */
  readonly code: number;
  readonly reason: string;
  /** Set if the socket never opened and the answer could be read (Node). */
  readonly refusal?: Refusal | undefined;
}

/** The part of a WebSocket that the client uses. */
export interface Socket {
  /** The client sets `arraybuffer`. */
  binaryType: string;
  /** Bytes that were sent and are still in the process. */
  readonly bufferedAmount: number;
  /** Takes a snapshot: the caller may change the bytes after the call. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Closes the socket, with a code if there is one. */
  close(code?: number, reason?: string): void;
  /** The upgrade succeeded. */
  onopen: (() => void) | null;
  /** `data` is a string, an `ArrayBuffer` or a `Uint8Array`. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** The socket ended, or never opened. Called once. */
  onclose: ((event: SocketClose) => void) | null;
  /** The client listens only to `onclose`. */
  onerror: (() => void) | null;
  /** Stops reading, if the platform can (Node), so that TCP holds the room back. */
  pause?(): void;
  /** Continues reading. */
  resume?(): void;
}

/** The client's platform. Times are milliseconds. */
export interface Environment {
  /** Opens a WebSocket. A refused upgrade or a failed connection ends in `onclose` without `onopen`. */
  dial(url: string, protocols: string[]): Socket;
  /** Milliseconds since 1970. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Like the platform's function. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Takes the value that `setTimeout` returned. */
  clearTimeout(timer: unknown): void;
  /** Used to renew tokens, and to ask why an upgrade was refused if the platform does not say. */
  fetch?(url: string, request: HttpRequest): Promise<HttpAnswer>;
  /**
   * Used for recordings. Without it, the client does not replay them. Rejects if the answer has more than `maxBytes`.
   */
  download?(url: string, request: HttpRequest, maxBytes: number): Promise<Download>;
  /** `SocketClose.refusal` contains the answer to a refused upgrade (Node), so the client does not have to ask. */
  readonly tellsRefusals?: boolean;
}
