// The routes of the API: who may use each, what it takes, what it answers, and how it refuses.
import * as z from "zod/mini";
import type { ProblemCode } from "./problem.ts";
import * as schemas from "./schemas.ts";

type Method = "get" | "post" | "patch" | "delete";

/** One route: who may use it, what it takes, what it answers, and how it refuses. */
export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** Which credential is needed; null: none. */
  readonly who: string | null;
  readonly body?: z.ZodMiniType;
  readonly status: 200 | 201 | 204;
  readonly answer?: z.ZodMiniType;
  readonly problems: readonly ProblemCode[];
}

const ROOM = "/api/rooms/:room";
const OF_ROOM = [
  "unauthorized",
  "token_revoked",
  "invalid_request",
  "not_found",
  "room_not_found",
  "room_closed",
] as const;
const OF_ADMIN = [...OF_ROOM, "forbidden"] as const;

/** Every route of the API. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/health",
    id: "health",
    summary: "Is the Worker there?",
    who: null,
    status: 200,
    answer: schemas.healthAnswer,
    problems: [],
  },
  {
    method: "get",
    path: "/api/openapi.json",
    id: "describe",
    summary: "This document",
    who: null,
    status: 200,
    answer: z.looseObject({}),
    problems: [],
  },
  {
    method: "post",
    path: "/api/rooms",
    id: "createRoom",
    summary: "Create a room, with a token for each role",
    who: "the operator's key, where ROOM_CREATION is not open",
    body: schemas.createBody,
    status: 201,
    answer: schemas.createdAnswer,
    problems: ["unauthorized", "invalid_request", "room_exists", "body_too_large", "too_many_requests"],
  },
  {
    method: "get",
    path: ROOM,
    id: "getRoom",
    summary: "State, tracks, positions, occupancy, counters, settings",
    who: "any token of the room",
    status: 200,
    answer: schemas.roomAnswer,
    problems: OF_ROOM,
  },
  {
    method: "patch",
    path: ROOM,
    id: "updateRoom",
    summary: "Change settings",
    who: "admin",
    body: schemas.updateBody,
    status: 200,
    answer: schemas.settingsAnswer,
    problems: [...OF_ADMIN, "body_too_large"],
  },
  {
    method: "delete",
    path: ROOM,
    id: "closeRoom",
    summary: "Close every connection and forget the room for good",
    who: "admin",
    status: 204,
    problems: OF_ADMIN,
  },
  {
    method: "post",
    path: `${ROOM}/tokens`,
    id: "mintToken",
    summary: "Mint a token of the room",
    who: "admin",
    body: schemas.tokenBody,
    status: 201,
    answer: schemas.tokenAnswer,
    problems: [...OF_ADMIN, "body_too_large"],
  },
  {
    method: "post",
    path: `${ROOM}/tickets`,
    id: "issueTicket",
    summary: "Exchange a token for a single-use ticket",
    who: "any token of the room",
    body: schemas.ticketBody,
    status: 201,
    answer: schemas.ticketAnswer,
    problems: [...OF_ADMIN, "body_too_large", "too_many_requests", "too_many_tickets"],
  },
  {
    method: "post",
    path: `${ROOM}/revocations`,
    id: "revokeTokens",
    summary: "Revoke tokens and close the connections that were made with them",
    who: "admin",
    body: schemas.revocationBody,
    status: 201,
    answer: schemas.revocationAnswer,
    problems: [...OF_ADMIN, "body_too_large", "too_many_revocations"],
  },
  {
    method: "get",
    path: `${ROOM}/connections`,
    id: "listConnections",
    summary: "Every connection with its figures",
    who: "admin",
    status: 200,
    answer: schemas.connectionsAnswer,
    problems: OF_ADMIN,
  },
  {
    method: "delete",
    path: `${ROOM}/connections/:id`,
    id: "kickConnection",
    summary: "End one connection",
    who: "admin",
    status: 204,
    problems: [...OF_ADMIN, "connection_not_found"],
  },
  {
    method: "post",
    path: `${ROOM}/connections/:id/token`,
    id: "renewConnection",
    summary: "Let a connection go on with the token of this request",
    who: "a token with the connection's subject and the rights that it uses",
    body: schemas.emptyBody,
    status: 204,
    problems: [...OF_ADMIN, "body_too_large", "connection_not_found"],
  },
  {
    method: "post",
    path: `${ROOM}/messages`,
    id: "deliverMessage",
    summary: "Deliver a message to one connection, to those of a subject, or to everybody",
    who: "admin, or the right message",
    body: schemas.messageBody,
    status: 200,
    answer: schemas.deliveryAnswer,
    problems: [...OF_ADMIN, "body_too_large", "unknown_address", "too_many_requests"],
  },
];
