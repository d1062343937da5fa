// The reasons why a room refuses a viewer, and the viewer's options, in words.

/** The page's text for a refusal. */
export interface Refusal {
  readonly title: string;
  readonly advice: string;
}

const NEW_LINK = "Ask the room's owner for a new viewers' link.";
const REFUSALS: Readonly<Record<string, Refusal>> = {
  room_not_found: { title: "There is no such room", advice: "Check the address, or create a room." },
  room_closed: { title: "The room was closed", advice: "You can no longer watch it. Create another room." },
  revoked: { title: "The token was revoked", advice: NEW_LINK },
  kicked: { title: "An admin ended the connection", advice: "Reload the page to reconnect." },
  origin_not_allowed: {
    title: "Pages of this origin are not allowed here",
    advice: "Ask the server's operator to allow it.",
  },
  not_allowed: { title: "The token does not allow watching", advice: NEW_LINK },
};

/** The text for a stable code and, if the refusal was an HTTP answer, its status. */
export function explainRefusal(code: string, status?: number): Refusal {
  const known = REFUSALS[code];
  if (known !== undefined) return known;
  if (status === 401) return { title: "The token is not valid, or has expired", advice: NEW_LINK };
  if (status === 403) return { title: "The token does not allow watching this room", advice: NEW_LINK };
  if (status === 404) return { title: "There is no such room", advice: "Check the address, or create a room." };
  return { title: "The room refused the connection", advice: "Reload the page to try again." };
}
