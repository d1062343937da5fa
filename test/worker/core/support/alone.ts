// The shell of a room with one object: it must not call a relay.
import type { RoomShell } from "../../../../worker/core/room.ts";
import { DEFAULT_LIMITS } from "../../../../worker/core/room-settings.ts";

export const NO_RELAYS = { ...DEFAULT_LIMITS, maxObjectSubscribers: 2000, maxRelays: 0, hintsOff: false };

export function aloneShell(mintEpoch: () => string): RoomShell {
  const never = (): never => {
    throw new Error("a room of one object has no relay");
  };
  return { mintEpoch, random: () => 0.5, dial: never, post: never, assign: never, dismiss: never, move: never };
}
