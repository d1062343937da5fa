// Access to recordings, and their places.
import type { Context } from "hono";
import { isTrackName } from "../protocol/names.ts";
import { type Grant, grants } from "./core/authorize.ts";
import type { ShownCredential } from "./core/policy.ts";
import { recorderId, trackPrefix } from "./core/recorder-id.ts";
import type { Place } from "./core/recording-view.ts";
import { authorize, credentialOf, forbidTokenInUrl } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import type { ObjectStore } from "./object-store.ts";
import { recorderOf } from "./objects.ts";
import { Problem, unwrap } from "./problem.ts";
import { roomOf } from "./room-stub.ts";
import { roomParam } from "./rooms-api.ts";
import { storeOf } from "./stores.ts";

/** The context of a route: the recorder, the bucket, and the place of the track's objects in it. */
export interface Found {
  readonly room: string;
  readonly track: string;
  readonly recorder: ReturnType<typeof recorderOf>;
  readonly store: ObjectStore;
  /** The prefix of the keys of its objects. */
  readonly prefix: string;
  /** The path of the track in the API. */
  readonly path: string;
}

/** A client that may subscribe may see recordings: with a token or a reusable ticket, or without in a public room. Returns the tracks that may have a recording. */
export async function admitted(c: Context<AppEnv>, room: string): Promise<{ grant: Grant; tracks: string[] }> {
  const credential = await shownBy(c, room);
  const { grant, tracks } = unwrap(await roomOf(c.env, room).recordings(credential));
  return { grant, tracks: tracks.filter((track) => grants(grant, "subscribe", track)) };
}

async function shownBy(c: Context<AppEnv>, room: string): Promise<ShownCredential> {
  const [request, config] = [c.req.raw, c.get("config")];
  forbidTokenInUrl(request);
  const hasTicket = c.req.query("ticket") !== undefined;
  if (!hasTicket && request.headers.has("authorization"))
    return { by: "token", grant: await authorize(request, config, room) };
  const credential = await credentialOf(request, config, room);
  if (credential.by !== "ticket") return credential;
  throw new Problem("unauthorized", "such a ticket opens a WebSocket only: ask for one that is reusable");
}

/** The track in the path. Throws `Problem`. */
export function trackOf(c: Context<AppEnv>): Found {
  const room = roomParam(c.req.param("room") ?? "");
  const track = c.req.param("track") ?? "";
  const store = storeOf(c.env);
  if (!isTrackName(track) || store === undefined) throw new Problem("recording_not_found", "nothing is recorded here");
  const recorder = recorderOf(c.env, recorderId({ room, track }));
  const path = `/api/rooms/${room}/tracks/${encodeURIComponent(track)}`;
  return { room, track, recorder, store, prefix: trackPrefix({ room, track }), path };
}

/** The same for a client that may subscribe to it. */
export async function openTrack(c: Context<AppEnv>): Promise<Found & { readonly grant: Grant }> {
  const found = trackOf(c);
  const { grant, tracks } = await admitted(c, found.room);
  if (!grants(grant, "subscribe", found.track)) throw new Problem("forbidden", "the credential is not for this track");
  if (!tracks.includes(found.track)) throw new Problem("recording_not_found", "the track was never recorded");
  return { ...found, grant };
}

const POSITION = /^([a-z0-9]{1,32})\.(\d{1,16})$/;

/** `-SECONDS`, ms since 1970, or `EPOCH.SEQUENCE`; null: it is missing. Throws `Problem`. */
export function placeOf(text: string | undefined, name: string): Place | null {
  if (text === undefined) return null;
  if (/^-\d{1,8}(\.\d{1,3})?$/.test(text)) return { by: "time", time: Date.now() + Number(text) * 1000 };
  if (/^\d{1,15}$/.test(text)) return { by: "time", time: Number(text) };
  const [, epoch, sequence] = POSITION.exec(text) ?? [];
  if (epoch === undefined)
    throw new Problem("invalid_request", `${name} must be -SECONDS, ms since 1970, or EPOCH.SEQUENCE`);
  return { by: "position", epoch, sequence: Number(sequence) };
}

/** A whole number of a query within bounds. Throws `Problem`. */
export function numberOf(text: string | undefined, name: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new Problem("invalid_request", `${name} must be from ${least} to ${most}`);
  return value;
}
