// What the client needs from where it runs: a WebSocket, a clock, timers, random numbers. Injected, so that tests decide.

/** Why an upgrade was refused: the HTTP status and the stable code of the problem document. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
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
  /** For asking why an upgrade was refused; only where the platform's WebSocket does not tell (browsers). */
  fetch?(url: string, init: { headers: Record<string, string> }): Promise<{ status: number; json(): Promise<unknown> }>;
}
