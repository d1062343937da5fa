// The texts of refusals.
import { expect, test } from "vitest";
import { explainRefusal } from "../../web/refusal-text.ts";

test("a known code has its own words", () => {
  expect(explainRefusal("room_closed").title).toBe("The room was closed");
});

test("an unknown code goes by the status, and says something in any case", () => {
  expect(explainRefusal("token_malformed", 401).title).toBe("The token is not valid, or has expired");
  expect(explainRefusal("forbidden", 403).title).toContain("does not allow");
  expect(explainRefusal("something_new").title).toBe("The room refused the connection");
});
