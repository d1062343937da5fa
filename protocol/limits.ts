// Every limit that a peer can reach, with its unit in the name and its reason beside it.

/**
 * Largest payload of one frame. A fragment of two seconds of 16 Mbit/s video fits, and one object (128 MB) holds
 * several.
 */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

/**
 * Largest binary message: one frame with the largest payload, or many small frames. The platform's own limit is 32 MiB.
 */
export const MAX_MESSAGE_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024;

/** Largest text message. Control messages are short, so longer texts are refused before they are parsed. */
export const MAX_CONTROL_BYTES = 8 * 1024;

/** Frames in one message. This limits the work for one event to a few milliseconds. */
export const MAX_MESSAGE_FRAMES = 8192;

/** Initialisation data of one track. `ftyp`+`moov` of a live stream takes about 2 KiB. */
export const MAX_INIT_BYTES = 256 * 1024;

/** Tracks of one room; the header has one byte for the number. */
export const MAX_TRACKS = 16;

/** Characters of a track name. */
export const MAX_TRACK_NAME_CHARS = 64;

/** Characters of a track's format: a MIME type with the codecs of a few streams. */
export const MAX_FORMAT_CHARS = 128;

/** Characters of a room id. */
export const MAX_ROOM_ID_CHARS = 64;

/** The preamble line of a TCP producer, its newline included. */
export const MAX_PREAMBLE_BYTES = 4096;

/** Time in which a TCP producer has to send its preamble. */
export const PREAMBLE_TIMEOUT_MS = 5000;

/** Characters of a token. Roomcast's tokens have about 300; a longer one is refused unread. */
export const MAX_TOKEN_CHARS = 3072;

/** Sequences and timestamps are u64 on the wire, but must fit a JavaScript number exactly. */
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** The highest sequence of a frame: the sequence that follows it can still be expressed. */
export const MAX_SEQUENCE = MAX_SAFE - 1;

/** Frames that a publisher may drop in one gap: years at any rate, and far from the end of a numbering. */
export const MAX_GAP_FRAMES = 2 ** 32;

/** Gaps and formats that a publisher may send per second: each becomes a message to every subscriber. */
export const GAPS_PER_SECOND = 20;
/** Gaps and formats that a publisher may send at once. */
export const GAPS_BURST = 200;

/**
 * The room acknowledges received data within this time without being asked: a publisher may wait for it with its next
 * frame.
 */
export const ACK_WITHIN_MS = 250;

/**
 * A publisher that has neither sent nor pinged for this long may be replaced: its TCP connection is probably half open.
 */
export const PUBLISHER_SILENCE_MS = 15_000;

/** Bytes that a publisher may have on their way to the room: 20 MiB/s at a round trip of 100 ms. */
export const PUBLISHER_WINDOW_BYTES = 2 * 1024 * 1024;

/**
 * A client that has received this many bytes since its last `pong` pings again at once, so that the room knows early.
 */
export const PING_EVERY_BYTES = 128 * 1024;

/**
 * A client that receives data pings again this long after its last `pong`, so the room learns within two seconds what
 * has arrived.
 */
export const PING_EVERY_MS = 1000;

/**
 * A client pings at the latest this long after its last `pong`. A phone at rest should not wake its radio more often.
 */
export const PING_IDLE_MS = 10_000;

/** The room closes a late subscriber as slow if nothing has got through to it for this long. */
export const STALLED_MS = 60_000;

/** The room closes a framed connection that has neither pinged nor sent for this long: three pings are missing (C2). */
export const SILENT_MS = 30_000;

/** If a publisher leaves without `end`, it may return within this time before subscribers are told `offline`. */
export const PUBLISHER_GRACE_MS = 5000;

/**
 * A token with a longer lifetime is refused. Revocations and tombstones are kept this long, and then no older token is
 * left.
 */
export const MAX_TOKEN_TTL_SECONDS = 90 * 24 * 3600;

/** The clocks of different machines may differ by this much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/**
 * Length of the chain of tokens through which a token was minted: an owner, a service and its helper. Longer chains are
 * refused.
 */
export const MAX_TOKEN_ANCESTORS = 4;

/** A ticket is part of a URL, and URLs appear in logs: it has expired before anybody reads those. */
export const MAX_TICKET_TTL_SECONDS = 60;

/** Somebody may read a reusable ticket in a log while it is valid, so it allows only `subscribe`, and not for long. */
export const MAX_REUSABLE_TICKET_TTL_SECONDS = 3600;

/** Unused tickets of one room. Each takes some hundred bytes of its memory. */
export const MAX_TICKETS = 1000;

/** Unused tickets from one token without `admin`. The last tickets of a room are for its admins. */
export const MAX_TICKETS_PER_TOKEN = MAX_TICKETS / 10;

/** Revocations of one room. A room that needs more can revoke everything issued before a time. */
export const MAX_REVOCATIONS = 1000;

/** A message from a member: a line of chat, or a session description. */
export const MAX_MEMBER_MESSAGE_BYTES = 4 * 1024;

/** A message from an application, over HTTP. */
export const MAX_HTTP_MESSAGE_BYTES = 64 * 1024;

/**
 * Largest text message of a link between objects: the loads of all relays below, and the members that presence names.
 */
export const MAX_LINK_TEXT_BYTES = 512 * 1024;

/** Largest text message from a room: the largest HTTP message in base64, and the JSON around it. */
export const MAX_ROOM_TEXT_BYTES = 96 * 1024;

/** A message waits while this many bytes are queued for its connection. */
export const MESSAGE_QUEUE_BYTES = 64 * 1024;

/** Bytes of messages that may wait for one connection. Further messages skip it. */
export const WAITING_MESSAGE_BYTES = 256 * 1024;

/** Bytes of the texts of all waiting messages. Each text counts once, however many connections it waits for. */
export const WAITING_TEXT_BYTES = 4 * 1024 * 1024;

/** Nesting depth of arrays and objects in the body of a message. */
export const MAX_BODY_DEPTH = 64;

/** Characters of a subject, the token's claim `sub`: a user's id in another system. */
export const MAX_SUBJECT_CHARS = 128;

/** Characters of a connection's id in an address. Valid ids have 16, so longer texts cannot be ids. */
export const MAX_CONNECTION_ID_CHARS = 64;

/** Characters of a member's label. */
export const MAX_LABEL_CHARS = 64;

/** Members that presence names. Further members are only counted. */
export const MAX_PRESENT_MEMBERS = 100;

/** Text messages that a connection may send per second. A fast `reliable` subscriber gives 100 credits a second. */
export const TEXTS_PER_SECOND = 500;
/** Text messages that a connection may send at once. */
export const TEXTS_BURST = 2000;

/** Origins of pages that may show a room in a frame. Together, they make one header. */
export const MAX_EMBED_ORIGINS = 20;
/** Characters of such an origin. */
export const MAX_ORIGIN_CHARS = 256;
