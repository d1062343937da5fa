// The claims of a token, as far as the page shows them. Nothing is verified here: the room does that.

/** Times are seconds since 1970. */
export interface TokenClaims {
  readonly can: readonly string[];
  readonly exp: number | undefined;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
  /** It is a reusable ticket, and no token. */
  readonly isTicket: boolean;
}

const UNREADABLE: TokenClaims = {
  ...{ can: ["subscribe"], exp: undefined, jti: undefined, sub: undefined },
  isTicket: false,
};

/** The claims. An unreadable token is treated as one for watching: the room will report the error. */
export function readToken(token: string): TokenClaims {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (one) => one.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { can, exp, jti, sub, ticketUntil } = { ...(typeof claims === "object" ? claims : undefined) } as Record<
      string,
      unknown
    >;
    if (!Array.isArray(can)) return UNREADABLE;
    return {
      can: can.filter((right) => typeof right === "string"),
      exp: typeof exp === "number" ? exp : undefined,
      jti: typeof jti === "string" ? jti : undefined,
      sub: typeof sub === "string" ? sub : undefined,
      isTicket: ticketUntil !== undefined,
    };
  } catch {
    return UNREADABLE;
  }
}

/** True if the token gives the right. `admin` gives all rights. */
export function may(token: string, right: "subscribe" | "publish" | "message" | "admin"): boolean {
  const { can } = readToken(token);
  return can.includes(right) || can.includes("admin");
}

const DAY = new Intl.DateTimeFormat("en", {
  weekday: "long",
  day: "numeric",
  month: "long",
  hour: "2-digit",
  minute: "2-digit",
});

/** The expiry of the token, in words; undefined: it has none. */
export function expiryText(token: string): string | undefined {
  const { exp } = readToken(token);
  return exp === undefined ? undefined : DAY.format(exp * 1000);
}
