// The purpose of a link to a recorder: the whole of its own track.
import type { LinkPosition, LinkUse, LinkVenue } from "./link-venue.ts";
import { parseRecorderId } from "./recorder-id.ts";

/** A recorder gets its own track, from its position if history reaches that far, or else from the oldest group. */
export const TO_RECORDERS: LinkUse = {
  form({ tracks }, id) {
    const { track, source } = tracks.get(trackOf(id)) ?? {};
    // A room that has just woken knows of nothing that is new.
    return track === undefined || track.next === null ? "" : `${track.epoch} ${track.next} ${source?.state}`;
  },
  begin(venue, id, positions) {
    const name = trackOf(id);
    const known = positions.filter((position) => position.track === name && isCovered(venue, position));
    const start = known.length > 0 ? { at: "position" as const, positions: known } : OLDEST;
    return { start, tracks: [name] };
  },
};

const OLDEST = { at: "rewind", seconds: Number.POSITIVE_INFINITY } as const;

/** True if a recorder can continue there. */
function isCovered({ tracks }: LinkVenue, { track: name, epoch, sequence }: LinkPosition): boolean {
  const track = tracks.get(name)?.track;
  return track?.epoch === epoch && sequence >= (track.history.first ?? track.next ?? 0);
}

function trackOf(id: string): string {
  return parseRecorderId(id)?.track ?? "";
}
