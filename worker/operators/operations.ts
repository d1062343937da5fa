// The routes of the operators' API, described.
import type { Operation } from "../operation.ts";
import { emptyBody } from "../schemas.ts";
import * as schemas from "./schemas.ts";

const KEY = "the operator's key";
const OF_OPERATOR = ["unauthorized", "invalid_request", "not_enabled"] as const;
const OF_ADMIN = [...OF_OPERATOR, "forbidden", "token_revoked", "not_found", "room_not_found", "room_closed"] as const;
const WEBHOOK = "/api/rooms/:room/webhook";

export const OPERATORS_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/rooms",
    id: "listRooms",
    summary: "List the rooms of the index, in pages",
    who: KEY,
    status: 200,
    answer: schemas.roomsAnswer,
    problems: OF_OPERATOR,
  },
  {
    method: "get",
    path: "/api/usage",
    id: "listUsage",
    summary: "List the usage of each room on each day, with its cost",
    who: KEY,
    status: 200,
    answer: schemas.usageAnswer,
    problems: OF_OPERATOR,
  },
  {
    method: "get",
    path: "/api/samples",
    id: "listSamples",
    summary: "Get the last hour by minutes, of one room or of all",
    who: KEY,
    status: 200,
    answer: schemas.samplesAnswer,
    problems: OF_OPERATOR,
  },
  {
    method: "get",
    path: "/api/deliveries",
    id: "listDeliveries",
    summary: "List webhooks with their answers, the newest first",
    who: KEY,
    status: 200,
    answer: schemas.deliveriesAnswer,
    problems: OF_OPERATOR,
  },
  {
    method: "post",
    path: "/api/deliveries/:id",
    id: "sendAgain",
    summary: "Send a webhook again",
    who: KEY,
    body: emptyBody,
    status: 204,
    problems: [...OF_OPERATOR, "delivery_not_found", "body_too_large"],
  },
  {
    method: "get",
    path: WEBHOOK,
    id: "getWebhook",
    summary: "Get the address of the room's events, and the secret that signs them",
    who: "admin",
    status: 200,
    answer: schemas.webhookAnswer,
    problems: OF_ADMIN,
  },
  {
    method: "put",
    path: WEBHOOK,
    id: "setWebhook",
    summary: "Set the address of the room's events",
    who: "admin",
    body: schemas.webhookBody,
    status: 200,
    answer: schemas.webhookAnswer,
    problems: [...OF_ADMIN, "body_too_large"],
  },
  {
    method: "delete",
    path: WEBHOOK,
    id: "removeWebhook",
    summary: "Delete the address: the room's events go only to the operator",
    who: "admin",
    status: 204,
    problems: OF_ADMIN,
  },
];
