// The schemas of requests and answers of the API. The same schemas validate and describe.
import * as z from "zod/mini";
import { RIGHTS } from "../protocol/claims.ts";
import {
  MAX_CONNECTION_ID_CHARS,
  MAX_EMBED_ORIGINS,
  MAX_ORIGIN_CHARS,
  MAX_REUSABLE_TICKET_TTL_SECONDS,
  MAX_SUBJECT_CHARS,
  MAX_TOKEN_TTL_SECONDS,
} from "../protocol/limits.ts";
import { type Address, body, type Json } from "../protocol/messages.ts";
import { isRoomId, isTrackName } from "../protocol/names.ts";
import { RECORDED_GAP_REASONS } from "../protocol/recording.ts";
import { DELIVERIES } from "./core/attachment.ts";
import { REGIONS } from "./core/region.ts";
import { costAnswer } from "./operators/schemas.ts";
import { isOrigin } from "./web-origin.ts";

const count = z.int().check(z.nonnegative());
const positive = z.int().check(z.positive());
const subject = z.string().check(z.minLength(1), z.maxLength(MAX_SUBJECT_CHARS));
const roomId = z.string().check(z.refine(isRoomId, "is not a valid room id"), z.maxLength(64));
const tracks = z
  .array(z.string().check(z.refine(isTrackName, "is not a valid track name")))
  .check(z.minLength(1), z.maxLength(16));
const embedOrigin = z.string().check(
  z.maxLength(MAX_ORIGIN_CHARS),
  z.refine((text) => text === "*" || isOrigin(text), "is not an origin such as https://name"),
);
const seconds = z.int().check(z.nonnegative());

/** The settings of a room, all optional. The operator's limits are checked separately. */
export const settingsBody = z.strictObject({
  title: z.exactOptional(z.string().check(z.maxLength(200))),
  public: z.exactOptional(z.boolean()),
  presence: z.exactOptional(z.boolean()),
  memberMessages: z.exactOptional(z.boolean()),
  delivery: z.exactOptional(z.enum(DELIVERIES)),
  maxReliable: z.exactOptional(z.int().check(z.nonnegative(), z.maximum(5000))),
  reliableHoldSeconds: z.exactOptional(positive.check(z.maximum(3600))),
  latencySeconds: z.exactOptional(positive.check(z.maximum(60))),
  embedOrigins: z.exactOptional(z.array(embedOrigin).check(z.maxLength(MAX_EMBED_ORIGINS))),
  maxSubscribers: z.exactOptional(positive),
  maxPublishers: z.exactOptional(positive),
  bytesPerSecondIn: z.exactOptional(z.nullable(z.int().check(z.minimum(1024)))),
  historyBytes: z.exactOptional(z.int().check(z.minimum(64 * 1024))),
  historySeconds: z.exactOptional(positive),
  idleExpirySeconds: z.exactOptional(z.nullable(positive)),
  recording: z.exactOptional(z.union([z.enum(["off", "all"]), tracks])),
  recordingSeconds: z.exactOptional(positive),
  recordingBytes: z.exactOptional(z.int().check(z.minimum(1024 * 1024))),
});

export const createBody = z.strictObject({ id: z.exactOptional(roomId), settings: z.exactOptional(settingsBody) });

export const updateBody = z.strictObject({ settings: settingsBody });

export const tokenBody = z.strictObject({
  can: z.array(z.enum(RIGHTS)).check(z.minLength(1), z.maxLength(RIGHTS.length)),
  ttlSeconds: positive.check(z.maximum(MAX_TOKEN_TTL_SECONDS)),
  subject: z.exactOptional(subject),
  tracks: z.exactOptional(tracks),
});

export const ticketBody = z.strictObject({
  role: z.exactOptional(z.enum(["publish", "subscribe"])),
  tracks: z.exactOptional(tracks),
  ttlSeconds: z.exactOptional(positive.check(z.maximum(MAX_REUSABLE_TICKET_TTL_SECONDS))),
  reusable: z.exactOptional(z.boolean()),
});

export const revocationBody = z.union([
  z.strictObject({ jti: z.string().check(z.minLength(1), z.maxLength(MAX_CONNECTION_ID_CHARS)) }),
  z.strictObject({ subject, issuedBefore: z.exactOptional(seconds) }),
  z.strictObject({ issuedBefore: seconds }),
]);

/** A renewal needs only the credential. */
export const emptyBody = z.strictObject({});

/** The same addresses as the protocol's `address`. */
const address: z.ZodMiniType<Address> = z.union([
  z.literal("all"),
  z.strictObject({ connection: z.string().check(z.minLength(1), z.maxLength(MAX_CONNECTION_ID_CHARS)) }),
  z.strictObject({ subject }),
]);

export const messageBody = z.union([
  z.strictObject({
    to: z.exactOptional(address),
    body: z.custom<Json>((value) => body(value) !== undefined),
  }),
  z.strictObject({ to: z.exactOptional(address), bytes: z.base64() }),
]);

export const createdAnswer = z.strictObject({
  room: z.string(),
  tokens: z.strictObject({ admin: z.string(), publish: z.string(), subscribe: z.string() }),
  links: z.strictObject({ page: z.string(), websocket: z.string(), ingest: z.nullable(z.string()) }),
});

const trackAnswer = z.object({
  name: z.string(),
  number: count,
  epoch: z.string(),
  format: z.nullable(z.string()),
  next: z.nullable(count),
  oldest: z.nullable(count),
  groupStart: z.nullable(count),
  historyBytes: count,
  initBytes: count,
  source: z.enum(["online", "offline"]),
  gathered: count,
});

const load = { subscribers: count, sendsPerSecond: count, queuedBytes: count };

export const roomAnswer = z.object({
  room: z.string(),
  state: z.literal("open"),
  createdAt: count,
  now: count,
  awakeSince: count,
  subscribers: count,
  publishers: count,
  counters: z.object({ framesReceived: count, bytesReceived: count }),
  tracks: z.array(trackAnswer),
  /** For admins. */
  cost: z.optional(costAnswer),
  settings: z.required(settingsBody),
  /**
   * The load of the room's own object. `sendsPerSecond` includes the links to relays; `queuedBytes` is the queue of all
   * its connections.
   */
  origin: z.object(load),
  /** The other objects that serve the room, if it has outgrown one. `parent` is the id of the object that feeds it. */
  relays: z.array(
    z.object({
      id: z.string(),
      region: z.enum(REGIONS),
      parent: z.string(),
      ...load,
      state: z.enum(["opening", "open", "full", "lagging", "lost", "draining"]),
    }),
  ),
});

export const settingsAnswer = z.strictObject({ room: z.string(), settings: z.required(settingsBody) });

export const tokenAnswer = z.strictObject({ token: z.string(), jti: z.string(), expiresAt: seconds });

export const ticketAnswer = z.strictObject({ ticket: z.string(), expiresAt: count });

export const revocationAnswer = z.strictObject({ closed: count });

/** `at`: the object of the connection, the room's own or one of its relays. */
const member = {
  at: z.string(),
  connection: z.string(),
  subject: z.nullable(z.string()),
  label: z.nullable(z.string()),
};

export const connectionsAnswer = z.object({
  connections: z.array(
    z.discriminatedUnion("role", [
      z.object({
        role: z.literal("publish"),
        ...member,
        track: z.string(),
        framesReceived: count,
        bytesReceived: count,
      }),
      z.object({
        role: z.literal("subscribe"),
        ...member,
        delivery: z.enum(DELIVERIES),
        mode: z.enum(["framed", "plain"]),
        framesSent: count,
        bytesSent: count,
        gaps: count,
        framesSkipped: count,
        bytesInFlight: count,
        framesBehind: count,
        state: z.enum(["in-step", "behind", "paused"]),
      }),
    ]),
  ),
  /** `?after=` of the next page; null: there is none. */
  next: z.nullable(z.string()),
});

export const deliveryAnswer = z.strictObject({ connections: count, skipped: count });

export const recordingsAnswer = z.object({
  room: z.string(),
  recordings: z.array(
    z.object({
      track: z.string(),
      segments: count,
      bytes: count,
      gaps: count,
      /** Everything that was ever stored, including deleted segments. */
      storedSegments: count,
      storedBytes: count,
      /** The times at which the room received its first and its last frame, ms since 1970. */
      from: z.nullable(count),
      to: z.nullable(count),
      format: z.nullable(z.string()),
      isLive: z.boolean(),
      playlist: z.nullable(z.string()),
    }),
  ),
});

export const segmentsAnswer = z.object({
  now: count,
  segments: z.array(
    z.object({
      id: count,
      epoch: z.string(),
      first: count,
      next: count,
      bytes: count,
      sha256: z.string(),
      beganAt: count,
      endedAt: count,
      receivedAt: count,
      receivedUntil: count,
      keys: z.array(count),
      leadingInitBytes: count,
      discontinuity: z.boolean(),
      format: z.nullable(z.string()),
      init: z.nullable(z.object({ url: z.string(), bytes: count })),
      url: z.string(),
      frames: z.optional(z.array(z.int())),
    }),
  ),
  gaps: z.array(
    z.object({
      id: count,
      epoch: z.string(),
      from: count,
      to: z.nullable(count),
      reason: z.enum(RECORDED_GAP_REASONS),
      at: count,
    }),
  ),
  isLive: z.boolean(),
  /** `?after=` of the next page; null: there is none yet. */
  next: z.nullable(count),
});

export const healthAnswer = z.strictObject({ ok: z.literal(true), version: z.string() });

export const problemAnswer = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
});
