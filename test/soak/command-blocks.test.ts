// Commands are extracted from the texts as a reader would type them.
import { expect, test } from "vitest";
import { commandBlocks } from "./command-blocks.ts";

test("a command ends with its line, unless quotes, brackets or a backslash continue it", () => {
  const text = `
\`\`\`sh
npm ci
first --option \\
  value     # what it is for
(printf 'a # b\\n'
 cat) | nc -N 127.0.0.1 9000

# only a comment
echo "two
lines"
\`\`\`

\`\`\`json
{ "no": "command" }
\`\`\`
`;
  expect(commandBlocks("x.md", text)).toEqual([
    {
      document: "x.md",
      commands: [
        "npm ci",
        "first --option \\\n  value",
        "(printf 'a # b\\n'\n cat) | nc -N 127.0.0.1 9000",
        'echo "two\nlines"',
      ],
    },
  ]);
});
