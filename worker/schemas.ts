// What requests to the API may hold and what they are answered: the same schemas validate and describe.
import * as z from "zod/mini";
import { RIGHTS } from "../protocol/claims.ts";
import { MAX_TICKET_TTL_SECONDS, MAX_TOKEN_TTL_SECONDS } from "../protocol/limits.ts";
import { addressSchema, bodySchema } from "../protocol/messages.ts";
import { isRoomId, isTrackName } from "../protocol/names.ts";
import { DELIVERIES } from "./core/attachment.ts";

const count = z.int().check(z.nonnegative());
const positive = z.int().check(z.positive());
const subject = z.string().check(z.minLength(1), z.maxLength(128));
const roomId = z.string().check(z.refine(isRoomId, "is no room id"), z.maxLength(64));
const tracks = z
  .array(z.string().check(z.refine(isTrackName, "is no track name")))
  .check(z.minLength(1), z.maxLength(16));
const seconds = z.int().check(z.nonnegative());

/** The settings of a room, each of them optional. The operator's limits are checked beside. */
export const settingsBody = z.strictObject({
  title: z.exactOptional(z.string().check(z.maxLength(200))),
  public: z.exactOptional(z.boolean()),
  presence: z.exactOptional(z.boolean()),
  memberMessages: z.exactOptional(z.boolean()),
  delivery: z.exactOptional(z.enum(DELIVERIES)),
  maxReliable: z.exactOptional(z.int().check(z.nonnegative(), z.maximum(5000))),
  reliableHoldSeconds: z.exactOptional(positive.check(z.maximum(3600))),
  latencySeconds: z.exactOptional(positive.check(z.maximum(60))),
  maxSubscribers: z.exactOptional(positive),
  maxPublishers: z.exactOptional(positive),
  bytesPerSecondIn: z.exactOptional(z.nullable(z.int().check(z.minimum(1024)))),
  historyBytes: z.exactOptional(z.int().check(z.minimum(64 * 1024))),
  historySeconds: z.exactOptional(positive),
  idleExpirySeconds: z.exactOptional(z.nullable(positive)),
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
  ttlSeconds: z.exactOptional(positive.check(z.maximum(MAX_TICKET_TTL_SECONDS))),
});

export const revocationBody = z.union([
  z.strictObject({ jti: z.string().check(z.minLength(1), z.maxLength(64)) }),
  z.strictObject({ subject, issuedBefore: z.exactOptional(seconds) }),
  z.strictObject({ issuedBefore: seconds }),
]);

/** What renews a connection is the credential alone. */
export const emptyBody = z.strictObject({});

export const messageBody = z.union([
  z.strictObject({ to: z.exactOptional(addressSchema), body: bodySchema }),
  z.strictObject({ to: z.exactOptional(addressSchema), bytes: z.base64() }),
]);

export const createdAnswer = z.strictObject({
  room: z.string(),
  tokens: z.strictObject({ admin: z.string(), publish: z.string(), subscribe: z.string() }),
  links: z.strictObject({ page: z.string(), websocket: z.string(), ingest: z.string() }),
});

const trackAnswer = z.object({
  name: z.string(),
  number: count,
  epoch: z.string(),
  next: z.nullable(count),
  oldest: z.nullable(count),
  groupStart: z.nullable(count),
  historyBytes: count,
  initBytes: count,
  source: z.enum(["online", "offline"]),
  gathered: count,
});

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
  settings: z.required(settingsBody),
});

export const settingsAnswer = z.strictObject({ room: z.string(), settings: z.required(settingsBody) });

export const tokenAnswer = z.strictObject({ token: z.string(), jti: z.string(), expiresAt: seconds });

export const ticketAnswer = z.strictObject({ ticket: z.string(), expiresAt: count });

export const revocationAnswer = z.strictObject({ closed: count });

const member = { connection: z.string(), subject: z.nullable(z.string()), label: z.nullable(z.string()) };

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
});

export const deliveryAnswer = z.strictObject({ connections: count, skipped: count });

export const healthAnswer = z.strictObject({ ok: z.literal(true), version: z.string() });

export const problemAnswer = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
});
