// What the client needs from where it runs: a WebSocket, a clock, timers, random numbers. Injected, so that tests decide.

/** Why an upgrade was refused: the HTTP status, the stable code of the problem document, how long to wait at least. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs?: number | undefined;
}

/** What is asked over HTTP; `method` is GET by default. */
export interface HttpRequest {
  readonly headers: Record<string, string>;
  readonly method?: "POST";
}

/** The part of an HTTP answer that the client uses. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: { get(name: string): string | null };
  json(): Promise<unknown>;
}

/** How a WebSocket ended. `refusal` is there where it never opened and the answer could be read (Node). */
export interface SocketClose {
  readonly code: number;
  readonly reason: string;
  readonly refusal?: Refusal | undefined;
}

/** The part of a WebSocket that the client uses. `send` takes a snapshot: bytes may be changed once it returned. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onopen: (() => void) | null;
  /** `data` is a string, an `ArrayBuffer` or a `Uint8Array`. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: SocketClose) => void) | null;
  onerror: (() => void) | null;
  /** Stop and go on reading, where the platform can (Node): the way that TCP pressure reaches the room. */
  pause?(): void;
  resume?(): void;
}

/** Where the client runs. Times are milliseconds. */
export interface Environment {
  /** Opens a WebSocket. A refused upgrade, like a failed connection, ends in `onclose` without `onopen`. */
  dial(url: string, protocols: string[]): Socket;
  /** Since 1970. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** For renewing tokens, and for asking why an upgrade was refused where the platform does not tell. */
  fetch?(url: string, request: HttpRequest): Promise<HttpAnswer>;
  /** The answer to a refused upgrade is in `SocketClose.refusal` (Node): nobody has to ask. */
  readonly tellsRefusals?: boolean;
}
