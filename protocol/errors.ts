// The protocol's errors: stable codes, and the close code of each on a WebSocket.

/** Stable names of the violations that a peer can commit. PROTOCOL.md lists them with their rules. */
export type ErrorCode =
  | "frame_truncated"
  | "frame_bad_type"
  | "frame_bad_flags"
  | "frame_bad_track"
  | "frame_bad_reserved"
  | "frame_bad_number"
  | "payload_too_large"
  | "message_too_large"
  | "init_too_large"
  | "control_not_json"
  | "control_invalid"
  | "not_allowed"
  | "out_of_sequence"
  | "window_exceeded"
  | "too_fast"
  | "position_invalid"
  | "preamble_invalid"
  | "preamble_too_long"
  | "preamble_timeout"
  | "preamble_version"
  | "framing_unknown"
  | "record_too_large"
  | "stream_truncated";

/** A peer broke a rule. It is thrown where the violation is detected; only the owner of the connection acts on it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** The stable code. */
  readonly code: ErrorCode;

  /** `message` goes to the peer: it must never contain a token or a payload. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
