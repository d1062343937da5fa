// The cost of an hour of a room, by its meter and the table of prices, next to other services' list prices for the same
// traffic.
import { Meter } from "../worker/core/meter.ts";
import { costOf, PRICES, totalOf } from "../worker/core/prices.ts";
import { NO_USAGE } from "../worker/core/usage.ts";
import type { Emit } from "./report.ts";

/** A room for an hour. */
interface Shape {
  readonly shape: string;
  readonly viewers: number;
  /** Messages that the source sends per second, all tracks together, and payload bytes of each. */
  readonly messagesPerSecond: number;
  readonly payloadBytes: number;
  readonly tracks: number;
  /** Minutes of the hour with a stream; for the rest, the viewers wait. */
  readonly streamedMinutes: number;
  /** Objects that serve it in addition to the room's own. */
  readonly relays: number;
}

/** Relays: with a source of 30 messages a second, an object has some 300 viewers. */
const SHAPES: readonly Shape[] = [
  {
    shape: "screen-share",
    viewers: 10,
    messagesPerSecond: 15,
    payloadBytes: 8_000,
    tracks: 1,
    streamedMinutes: 60,
    relays: 0,
  },
  {
    shape: "camera",
    viewers: 100,
    messagesPerSecond: 30,
    payloadBytes: 12_500,
    tracks: 1,
    streamedMinutes: 60,
    relays: 0,
  },
  {
    shape: "telemetry",
    viewers: 50,
    messagesPerSecond: 40,
    payloadBytes: 200,
    tracks: 4,
    streamedMinutes: 60,
    relays: 0,
  },
  {
    shape: "mostly-waiting",
    viewers: 200,
    messagesPerSecond: 30,
    payloadBytes: 12_500,
    tracks: 1,
    streamedMinutes: 5,
    relays: 0,
  },
  {
    shape: "show",
    viewers: 10_000,
    messagesPerSecond: 30,
    payloadBytes: 12_500,
    tracks: 1,
    streamedMinutes: 60,
    relays: 33,
  },
];

/** Ably's list prices (USD) without volume discounts: ably.com/pricing. docs/operating.md has their source. */
const ABLY = { date: "2026-05-08", millionMessages: 2.5, millionConnectionMinutes: 1, millionChannelMinutes: 1 };

/** LiveKit Cloud's list prices (USD), beyond the included amounts of its Ship plan: livekit.com/pricing. */
const LIVEKIT = { date: "2026-09-25", participantMinute: 0.0005, downstreamGigabyte: 0.12 };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** One line for each shape. Every viewer joins once and stays. */
export function cost(emit: Emit): void {
  for (const one of SHAPES) {
    const { shape, viewers, relays } = one;
    const parts = costOf(hourOf(one), PRICES);
    const per1000 = (dollars: number) => round((dollars / viewers) * 1000);
    emit({
      bench: "cost",
      shape,
      viewers,
      relays,
      streamed_minutes: one.streamedMinutes,
      dollars_per_hour: round(totalOf(parts)),
      dollars_per_1000_viewer_hours: per1000(totalOf(parts)),
      ably_per_1000_viewer_hours: per1000(ably(one)),
      livekit_per_1000_viewer_hours: per1000(livekit(one)),
      duration_share: round(parts.duration / totalOf(parts)),
      prices: PRICES.date,
      ably_prices: ABLY.date,
      livekit_prices: LIVEKIT.date,
    });
  }
}

/** The meter's counts for the hour. A room in use reports once a minute. */
function hourOf({ viewers, messagesPerSecond, payloadBytes, streamedMinutes, relays }: Shape) {
  const meter = new Meter(NO_USAGE, 0);
  for (let joined = 0; joined <= viewers; joined++) meter.request();
  meter.serves(0, viewers, 0, relays);
  const streamedMs = streamedMinutes * MINUTE_MS;
  const everyMs = 1000 / messagesPerSecond;
  for (let at = 0; at < streamedMs; at += everyMs) {
    meter.turn(at);
    meter.frames(payloadBytes);
  }
  for (let minute = 0; minute < streamedMinutes; minute++) meter.queued();
  // Events of the beginning and the end, stored before and after they are reported.
  meter.rows(8, 0);
  meter.serves(HOUR_MS, viewers, 0, relays);
  return meter.usage;
}

/** Each message counts once in, and once for each viewer. */
function ably({ viewers, messagesPerSecond, tracks, streamedMinutes }: Shape): number {
  const messages = messagesPerSecond * streamedMinutes * 60 * (1 + viewers);
  return (
    (messages * ABLY.millionMessages +
      (viewers + 1) * 60 * ABLY.millionConnectionMinutes +
      tracks * 60 * ABLY.millionChannelMinutes) /
    1e6
  );
}

/** The traffic to viewers, and the minutes of all participants. */
function livekit({ viewers, messagesPerSecond, payloadBytes, streamedMinutes }: Shape): number {
  const gigabytes = (messagesPerSecond * payloadBytes * streamedMinutes * 60 * viewers) / 1e9;
  return (viewers + 1) * 60 * LIVEKIT.participantMinute + gigabytes * LIVEKIT.downstreamGigabyte;
}

function round(number: number): number {
  return Number(number.toPrecision(3));
}
