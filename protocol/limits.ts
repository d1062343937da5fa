// Every bound that a peer can run into, with its unit in the name and its reason beside it.

/** Largest payload of one frame. A fragment of two seconds of 16 Mbit/s video fits; one object (128 MB) holds several. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

/** Largest binary message: one frame of the largest payload, or many small ones. The platform's own limit is 32 MiB. */
export const MAX_MESSAGE_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024;

/** Largest text message. Control messages are short; anything longer is refused before it is parsed. */
export const MAX_CONTROL_BYTES = 8 * 1024;

/** Frames in one message: bounds the work of one event to a few milliseconds. */
export const MAX_MESSAGE_FRAMES = 8192;

/** Initialisation data of one track. `ftyp`+`moov` of a live stream takes about 2 KiB. */
export const MAX_INIT_BYTES = 256 * 1024;

/** Tracks of one room; the header has one byte for the number. */
export const MAX_TRACKS = 16;

/** Characters of a track name. */
export const MAX_TRACK_NAME_CHARS = 64;

/** Characters of a room id. */
export const MAX_ROOM_ID_CHARS = 64;

/** The preamble line of a TCP producer, its newline included. */
export const MAX_PREAMBLE_BYTES = 4096;

/** How long a TCP producer may take for its preamble. */
export const PREAMBLE_TIMEOUT_MS = 5000;

/** Characters of a token. Ours take about 300; a longer one is refused unread. */
export const MAX_TOKEN_CHARS = 3072;

/** Sequences and timestamps are u64 on the wire and must fit a JavaScript number exactly. */
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** The highest sequence of a frame: the one that would follow it can still be said. */
export const MAX_SEQUENCE = MAX_SAFE - 1;

/** Frames that a publisher may drop in one gap: years at any rate, and far from the end of a numbering. */
export const MAX_GAP_FRAMES = 2 ** 32;

/** Gaps that a publisher may tell per second, and in one go: each is a message to every subscriber. */
export const GAPS_PER_SECOND = 20;
export const GAPS_BURST = 200;

/** What the room has received is acknowledged within so long, without being asked: a publisher may wait for it with its next frame. */
export const ACK_WITHIN_MS = 250;

/** A publisher that has neither sent nor pinged for so long may be replaced: its TCP connection is probably half open. */
export const PUBLISHER_SILENCE_MS = 15_000;

/** Bytes that a publisher may have on their way to the room: 20 MiB/s at a round trip of 100 ms. */
export const PUBLISHER_WINDOW_BYTES = 2 * 1024 * 1024;

/** A client that has received so much since its last `pong` pings again at once, so that the room knows early. */
export const PING_EVERY_BYTES = 128 * 1024;

/** ... and so long after its last `pong`, while it receives: the room learns within two seconds what has arrived. */
export const PING_EVERY_MS = 1000;

/** ... and in any case so long after its last `pong`. A phone at rest wakes its radio only so often. */
export const PING_IDLE_MS = 10_000;

/** A late subscriber to which nothing has got through for so long is closed as slow. */
export const STALLED_MS = 60_000;

/** A framed connection that has neither pinged nor sent for so long is closed: three pings are missing (C2). */
export const SILENT_MS = 30_000;

/** A publisher that is gone without `end` may come back within so long before subscribers are told `offline`. */
export const PUBLISHER_GRACE_MS = 5000;

/** A longer-lived token is refused: revocations and tombstones are kept for so long, and then no token of before is left. */
export const MAX_TOKEN_TTL_SECONDS = 90 * 24 * 3600;

/** Clocks of different machines may differ by so much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** Tokens that a token was minted through, one by another. An owner, a service and its helper: longer chains are refused. */
export const MAX_TOKEN_ANCESTORS = 4;

/** A ticket stands in a URL, and URLs land in logs: it is spent before anybody reads those. */
export const MAX_TICKET_TTL_SECONDS = 60;

/** Tickets of one room that are not spent yet; each is some hundred bytes of its memory. */
export const MAX_TICKETS = 1000;

/** Of these, what a token without `admin` may have; the last ones of a room are for its admins. */
export const MAX_TICKETS_PER_TOKEN = MAX_TICKETS / 10;

/** Revocations of one room; whoever needs more revokes everything of before a time. */
export const MAX_REVOCATIONS = 1000;

/** A message that a member sends: a line of talk, or a session description. */
export const MAX_MEMBER_MESSAGE_BYTES = 4 * 1024;

/** A message that an application sends over HTTP. */
export const MAX_HTTP_MESSAGE_BYTES = 64 * 1024;

/** Largest text message from a room: the largest of HTTP in base64, and what is around it. */
export const MAX_ROOM_TEXT_BYTES = 96 * 1024;

/** A message waits while so much is queued for its connection... */
export const MESSAGE_QUEUE_BYTES = 64 * 1024;

/** ... as long as no more than so many bytes of messages wait for that connection; further ones skip it. */
export const WAITING_MESSAGE_BYTES = 256 * 1024;

/** Texts of messages that wait, each counted once however many connections it waits for. */
export const WAITING_TEXT_BYTES = 4 * 1024 * 1024;

/** Arrays and objects inside one another in the body of a message. */
export const MAX_BODY_DEPTH = 64;

/** Characters of a member's label. */
export const MAX_LABEL_CHARS = 64;

/** Members that presence names; further ones are only counted. */
export const MAX_PRESENT_MEMBERS = 100;

/** Text messages that a connection may send per second, and in one go. A fast `reliable` subscriber gives 100 credits a second. */
export const TEXTS_PER_SECOND = 500;
export const TEXTS_BURST = 2000;
