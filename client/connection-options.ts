// The destination of a connection, and the interface of its user.
import type { ServerMessage } from "../protocol/control.ts";
import type { Environment } from "./environment.ts";
import type { RefusedError } from "./refused-error.ts";

/**
 * A token, or a function that fetches one. The client calls the function for each attempt to connect, and before a JWT
 * expires, so that the connection continues with a new token. If the function throws a `RefusedError`, the client gives
 * up. After any other error, it tries again.
 */
export type Token = string | (() => Promise<string>);

/** The destination, and the credential. */
export interface ConnectionOptions {
  /** The http(s) base of the Worker: `https://rooms.example.com`. */
  readonly url: string;
  /** The room's id. */
  readonly room: string;
  readonly token: Token;
  readonly environment: Environment;
}

/** The user of a connection. */
export interface ConnectionUser {
  /** An attempt begins. */
  connecting(): void;
  /** The query of this attempt: the role, and the position to resume at. */
  query(): Record<string, string>;
  /** The room has accepted the upgrade. */
  opened(): void;
  /** A text message that this version knows. */
  control(message: ServerMessage): void;
  /** May throw `ProtocolError`: the client then abandons the connection and makes another one. */
  binary(message: Uint8Array): void;
  /** An open connection ended. `name` is the name of its close. An error that it returns is final. */
  lost(name: string): RefusedError | undefined;
  /** The connection is over. */
  refused(error: RefusedError): void;
}
