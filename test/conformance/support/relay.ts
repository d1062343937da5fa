// What an adapter has to give, so that the suite can be pointed at a relay.

/** What a credential is good for. What a relay cannot express it leaves out: the cases then show that. */
export interface CredentialOptions {
  readonly can: readonly ("subscribe" | "publish")[];
  readonly room: string;
  readonly subject?: string;
  /** Default: an hour. */
  readonly secondsLeft?: number;
  /** As if somebody else had made it. */
  readonly forged?: true;
}

/** One connection. */
export interface Peer {
  /** All payload bytes that it got, in order. */
  readonly received: Buffer;
  readonly isOpen: boolean;
  /** Sends payload bytes, as a publisher of this relay does. `key`: somebody who comes later can start here. */
  send(payload: Buffer, key?: boolean): void;
  /** Sends a message as it is, whatever the relay's own format. */
  sendRaw(message: Buffer | string): void;
  close(): void;
}

/** A relay that is running. */
export interface Relay {
  createRoom(): Promise<string>;
  credential(options: CredentialOptions): Promise<string>;
  /** Joins; undefined: it was refused. `inUrl`: the credential goes into the query. */
  join(
    room: string,
    role: "subscribe" | "publish",
    credential: string | undefined,
    inUrl?: boolean,
  ): Promise<Peer | undefined>;
  /** Takes back all that was given to `subject` in `room`. */
  revoke(room: string, subject: string): Promise<void>;
  /** Closes the room for good. */
  closeRoom(room: string): Promise<void>;
  close(): Promise<void>;
}
