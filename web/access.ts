// The rights of a visitor in a room, from the link and from the rooms that this browser created. Pure.
import type { OwnedRoom } from "./owned-rooms.ts";
import { may } from "./token-claims.ts";

/** A token for each right; undefined: the visitor does not have the right. */
export interface Access {
  readonly watch: string | undefined;
  readonly publish: string | undefined;
  readonly admin: string | undefined;
  /** A token that may be shared: it only allows watching. */
  readonly handOn: string | undefined;
}

/** `token`: the token in the link. The owner's token provides the rights that the link lacks. */
export function accessOf(token: string | undefined, owned: OwnedRoom | undefined): Access {
  const admin = owned?.admin;
  const tokenFor = (right: "subscribe" | "publish" | "admin") =>
    token !== undefined && may(token, right) ? token : admin;
  const isForWatching =
    token !== undefined && may(token, "subscribe") && !may(token, "publish") && !may(token, "message");
  return {
    watch: tokenFor("subscribe"),
    publish: tokenFor("publish"),
    admin: tokenFor("admin"),
    handOn: isForWatching ? token : owned?.links.find(({ name }) => name === "Viewers")?.token,
  };
}
