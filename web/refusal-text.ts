// Why a room refused a viewer, in words, and what the viewer can do.

/** What the page says of a refusal. */
export interface Refusal {
  readonly title: string;
  readonly advice: string;
}

const NEW_LINK = "Ask whoever opened the room for a new viewers' link.";
const REFUSALS: Readonly<Record<string, Refusal>> = {
  room_not_found: { title: "There is no such room", advice: "Check the address, or create a room." },
  room_closed: { title: "The room was closed", advice: "Nobody can watch it any more. Create another room." },
  revoked: { title: "The token was revoked", advice: NEW_LINK },
  kicked: { title: "An admin ended the connection", advice: "Reload the page to come back." },
  not_allowed: { title: "The token does not allow watching", advice: NEW_LINK },
};

/** The words for a stable code and, where an HTTP answer was the refusal, its status. */
export function explainRefusal(code: string, status?: number): Refusal {
  const known = REFUSALS[code];
  if (known !== undefined) return known;
  if (status === 401) return { title: "The token is not valid, or no longer", advice: NEW_LINK };
  if (status === 403) return { title: "The token does not allow watching this room", advice: NEW_LINK };
  if (status === 404) return { title: "There is no such room", advice: "Check the address, or create a room." };
  return { title: "The room refused the connection", advice: "Reload the page to try again." };
}
