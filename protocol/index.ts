// What the package exports as `roomcast/protocol`: for programs that speak the protocol themselves. PROTOCOL.md
// specifies it.
/**
 * The protocol: codecs, splitters, limits, names. Pure: no clock, no socket.
 * @module roomcast/protocol
 */
export { type AfterClose, afterClose, Close, type CloseReason, closeFor, closeText } from "./close.ts";
export {
  type ClientMessage,
  GAP_REASONS,
  type GapReason,
  PING,
  PONG,
  parseClientMessage,
  parseServerMessage,
  type ServerMessage,
} from "./control.ts";
export { type ErrorCode, ProtocolError } from "./errors.ts";
export {
  type Allocate,
  encodeMessage,
  Flag,
  type Frame,
  type FrameHeader,
  FrameType,
  type FrameView,
  HEADER_BYTES,
  readMessage,
} from "./frame.ts";
export * from "./limits.ts";
export {
  type Address,
  isLabel,
  type Json,
  type MemberInfo,
  type Sender,
  UNDELIVERED,
  type Undelivered,
} from "./messages.ts";
export { DEFAULT_TRACK, isFormat, isRoomId, isTrackName } from "./names.ts";
export { formatPosition, type Position, parsePosition, parseStart, type Start } from "./position.ts";
export { formatPreamble, type Preamble, PreambleReader, parseFraming, parsePreamble } from "./preamble.ts";
export { FRAMINGS, type Framing, isOfRecords, type SplitFrame, type Splitter } from "./splitter.ts";
export { createSplitter } from "./splitters/index.ts";
