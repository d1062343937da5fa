// The interface of an adapter, with which the suite can test a relay.

/** The properties of a credential. If a relay cannot express one, it ignores it, and the cases show that. */
export interface CredentialOptions {
  readonly can: readonly ("subscribe" | "publish")[];
  readonly room: string;
  readonly subject?: string;
  /** Default: an hour. */
  readonly secondsLeft?: number;
  /** Signed by somebody else. */
  readonly forged?: true;
}

/** One connection. */
export interface Peer {
  /** All payload bytes that it got, in order. */
  readonly received: Buffer;
  readonly isOpen: boolean;
  /** Sends payload bytes, as a publisher of this relay does. `key`: a later subscriber can start here. */
  send(payload: Buffer, key?: boolean): void;
  /** Sends a message unchanged, whatever the relay's own format. */
  sendRaw(message: Buffer | string): void;
  close(): void;
}

/** A running relay. */
export interface Relay {
  createRoom(): Promise<string>;
  credential(options: CredentialOptions): Promise<string>;
  /** Joins; undefined: the relay refused. `inUrl`: the credential goes into the query. */
  join(
    room: string,
    role: "subscribe" | "publish",
    credential: string | undefined,
    inUrl?: boolean,
  ): Promise<Peer | undefined>;
  /** Revokes all credentials of `subject` in `room`. */
  revoke(room: string, subject: string): Promise<void>;
  /** Closes the room permanently. */
  closeRoom(room: string): Promise<void>;
  close(): Promise<void>;
}
