// Where a connection leads, and whom it serves.
import type { ServerMessage } from "../protocol/control.ts";
import type { Environment } from "./environment.ts";
import type { RefusedError } from "./refused-error.ts";

/**
 * A token, or what fetches one: called anew for each attempt, and ahead of a JWT's expiry, to renew it without a new
 * connection. A `RefusedError` of it is final, other errors are not.
 */
export type Token = string | (() => Promise<string>);

/** Where to. `url` is the http(s) base of the Worker. */
export interface ConnectionOptions {
  readonly url: string;
  readonly room: string;
  readonly token: Token;
  readonly environment: Environment;
}

/** Whom a connection serves. */
export interface ConnectionUser {
  /** An attempt begins. */
  connecting(): void;
  /** The query of this attempt: the role, and where to go on. */
  query(): Record<string, string>;
  opened(): void;
  control(message: ServerMessage): void;
  /** May throw `ProtocolError`: the connection is given up and another one made. */
  binary(message: Uint8Array): void;
  /** A connection that was open ended, with the name of its close. An error returned is final. */
  lost(name: string): RefusedError | undefined;
  /** It is over. */
  refused(error: RefusedError): void;
}
