// The objects of a room by their names: how to reach them, and the calls between them.
import type { Address, Sender } from "../protocol/messages.ts";
import type { Grant } from "./core/authorize.ts";
import type { Delivery } from "./core/members.ts";
import type { RecorderReport } from "./core/recorder-report.ts";
import type { RecordingTerms } from "./core/recorder-state.ts";
import type { Bounds, Range, RecordingPage, RecordingSpan, RecordingSummary } from "./core/recording-view.ts";
import type { Refusal } from "./core/refusal.ts";
import { hintOf } from "./core/region.ts";
import type { Figures } from "./core/registry.ts";
import { parseRelayId } from "./core/relay-id.ts";

/** Calls from the room's own object to a relay. `content` is `Content` as JSON. */
export interface RelayCalls {
  /** Does nothing; shows that the object exists. */
  here(): Promise<void>;
  /** `assignment` is an `Assignment`. Returns the number of connections that it ended. */
  assign(assignment: object): Promise<number>;
  dismiss(isOver: boolean): Promise<void>;
  move(count: number): Promise<void>;
  deliver(from: Sender, to: Address, content: string): Promise<Delivery>;
  connections(): Promise<Figures[]>;
  kick(connection: string): Promise<boolean>;
  renew(grant: Grant, connection: string): Promise<Refusal | true>;
  /** A relay below asks to be dialled. Returns false if there is no such relay. */
  called(relay: string): Promise<boolean>;
}

/** Calls from relays to the room's own object. */
export interface OriginCalls {
  called(relay: string): Promise<boolean>;
  deliverAll(from: Sender, to: Address, content: string): Promise<Delivery>;
  /** A recorder asks to be dialled. Returns false if there is no such recorder. */
  recorderCalled(recorder: string): Promise<boolean>;
  /** A recorder reports its state. Returns its terms; null: there is no such recorder. */
  recorderReported(recorder: string, report: RecorderReport): Promise<RecordingTerms | null>;
  /** Returns true if the room was closed. */
  isOver(): Promise<boolean>;
}

/** Calls from the room and from the API to a recorder. */
export interface RecorderCalls {
  keep(terms: RecordingTerms): Promise<void>;
  /** Deletes the recording. `isOver`: it also ends it. Returns false if objects are still to be deleted. */
  erase(isOver: boolean): Promise<boolean>;
  summary(): Promise<RecordingSummary>;
  page(range: Range): Promise<RecordingPage>;
  /** undefined: the range is empty. */
  span(range: Bounds): Promise<RecordingSpan | undefined>;
  /** The segment with the byte at `offset` of everything that was ever recorded. */
  idAtOffset(offset: number): Promise<number | undefined>;
}

/** The environment that is needed to reach them. */
export interface ObjectsEnv {
  readonly ROOM: DurableObjectNamespace;
  readonly RELAY: DurableObjectNamespace;
  readonly RECORDER: DurableObjectNamespace;
  /** The jurisdiction that all objects must stay in, such as `eu`; empty: none. */
  readonly JURISDICTION?: string | undefined;
}

/** A stub with `fetch` for upgrades, and with calls by name. */
type Reach<T> = T & Pick<Fetcher, "fetch">;

export function originOf(env: ObjectsEnv, room: string): Reach<OriginCalls> {
  return within(env, env.ROOM).getByName(room) as unknown as Reach<OriginCalls>;
}

/** A relay. The first caller determines where it starts. */
export function relayOf(env: ObjectsEnv, id: string): Reach<RelayCalls> {
  const region = parseRelayId(id)?.region;
  const hint = region === undefined || env.JURISDICTION ? undefined : hintOf(region);
  const options = hint === undefined ? undefined : { locationHint: hint as DurableObjectLocationHint };
  return within(env, env.RELAY).getByName(id, options) as unknown as Reach<RelayCalls>;
}

export function recorderOf(env: ObjectsEnv, id: string): Reach<RecorderCalls> {
  return within(env, env.RECORDER).getByName(id) as unknown as Reach<RecorderCalls>;
}

/** The object that dials a relay: the room's own object, or another relay. */
export function parentStub(env: ObjectsEnv, id: string): Pick<RelayCalls, "called"> {
  return parseRelayId(id) === undefined ? originOf(env, id) : relayOf(env, id);
}

/** The namespace itself, or its part in a jurisdiction. */
export function within<T extends Rpc.DurableObjectBranded | undefined>(
  { JURISDICTION: jurisdiction }: Pick<ObjectsEnv, "JURISDICTION">,
  objects: DurableObjectNamespace<T>,
): DurableObjectNamespace<T> {
  return jurisdiction ? objects.jurisdiction(jurisdiction as DurableObjectJurisdiction) : objects;
}
