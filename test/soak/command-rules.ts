// The rule for each command in the texts: how to run it in a fresh clone, and how to see that it worked.

/** The proof that a command works. */
export type Proof =
  /** It ends with 0, and prints this. */
  | { readonly by: "end"; readonly says?: RegExp }
  /** It prints this, and keeps running for the commands that follow. */
  | { readonly by: "service"; readonly says: RegExp }
  /** The room gets frames. `ends`: the command then ends with 0; otherwise it runs until it is ended. */
  | { readonly by: "publishing"; readonly ends: boolean }
  /** It outputs bytes of the room; then it is ended. */
  | { readonly by: "watching" };

/** How to run a command. */
export interface Run {
  readonly proof: Proof;
  /** The right of the token that replaces `TOKEN`. */
  readonly token?: "publish" | "subscribe" | "admin";
  /** Programs that have to be installed. */
  readonly needs?: readonly string[];
  /** Replacements that adapt it to the machine and the time. */
  readonly instead?: readonly (readonly [string, string])[];
  /** The room has a publisher meanwhile. */
  readonly isFed?: true;
  /** Runs beside it, once it is running. */
  readonly beside?: string;
  /** In a second clone, because it replaces files that the first one is using. */
  readonly in?: "a second clone";
}

type Rule = readonly [RegExp, Run | string];

const ENDLESS: Proof = { by: "publishing", ends: false };
const WHOLE: Proof = { by: "publishing", ends: true };
const ACCOUNT = "needs an account";

/** The first match applies. A text: the reason why the command is not run. */
export const RULES: readonly Rule[] = [
  [/wrangler (?:login|secret|rollback|tail|d1|queues|r2)|^npm run deploy|^git pull/, ACCOUNT],
  [/^npm install && npm test/, "is what .ci/run does"],
  [/^(?:npm install && npm start|npm start|git clone)/, "was done first: everything here runs in that clone"],
  [/^npm install roomcast/, "the packed package is installed by test/end-to-end/package.test.ts"],
  [/--cluster/, "needs a bucket: npm run soak -- cluster"],
  [/--recordings/, "needs a bucket: test/end-to-end/serve-recordings.test.ts"],
  [/serve --var WEBHOOK_URL/, "needs a receiver: test/end-to-end/serve-events.test.ts"],
  [/\/dev\/video0|rtsp:/, "needs a camera"],
  [/srt:/, "needs an ffmpeg with SRT"],
  [/^gst-launch/, { proof: ENDLESS, needs: ["gst-launch-1.0"] }],
  [
    /rtmp:/,
    { proof: WHOLE, beside: "ffmpeg -loglevel error -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1:1935/live/stream" },
  ],
  [/^npm ci$/, { proof: { by: "end" }, in: "a second clone" }],
  [/wrangler deploy --dry-run/, { proof: { by: "end", says: /--dry-run: exiting/ }, in: "a second clone" }],
  [/lavfi.*\| nc /s, { proof: ENDLESS, token: "publish", needs: ["nc"] }],
  [/film\.mp4.*\| nc /s, { proof: WHOLE, token: "publish", needs: ["nc"] }],
  [/bridge .*token-file=publish\.token/s, { proof: { by: "service", says: /bridge started/ } }],
  [
    /roomcast bridge --worker/,
    {
      proof: { by: "service", says: /bridge started/ },
      instead: [["tcp://0.0.0.0:9000", "tcp://127.0.0.1:9002 --status 127.0.0.1:9102"]],
    },
  ],
  [/lavfi.*tcp:\/\/127/s, { proof: ENDLESS }],
  [/film\.mp4.*tcp:\/\/127/s, { proof: WHOLE }],
  [/^export ROOMCAST_TOKEN=TOKEN/, { proof: { by: "end" }, token: "publish" }],
  [/^printf %s TOKEN > publish.token/, { proof: { by: "end" }, token: "publish" }],
  [/film\.mp4.*roomcast send/, { proof: WHOLE, token: "publish" }],
  [/tail -f app\.log/, { proof: ENDLESS, token: "publish" }],
  [/python3 send\.py/, { proof: WHOLE, token: "publish", needs: ["python3"] }],
  [/node send\.mjs/, { proof: WHOLE, token: "publish" }],
  [/java send\.java/, { proof: WHOLE, token: "publish", needs: ["javac"] }],
  [/^rustc/, { proof: WHOLE, token: "publish", needs: ["rustc"] }],
  [/^cc /, { proof: WHOLE, token: "publish", needs: ["cc"] }],
  [/roomcast watch|watch\.py/, { proof: { by: "watching" }, token: "subscribe", isFed: true }],
  [
    /roomcast load .*--publish/,
    {
      proof: { by: "end", says: /subscribers/ },
      token: "subscribe",
      instead: [["--rate 30", "--subscribers 20 --seconds 3 --rate 30"]],
    },
  ],
  [
    /roomcast load/,
    {
      proof: { by: "end", says: /subscribers/ },
      token: "subscribe",
      isFed: true,
      instead: [["--subscribers 1000 --ramp 20 --seconds 60", "--subscribers 50 --ramp 2 --seconds 3"]],
    },
  ],
  [/^curl .*\/webhook/, { proof: { by: "end", says: /"secret"|"url"/ } }],
  [/^curl .*\/tickets/, { proof: { by: "end", says: /"ticket"/ }, token: "subscribe" }],
  [/^curl .*\/api\/rooms -H/, { proof: { by: "end", says: /"tokens"|room_exists/ } }],
  [/^curl .*\/api\/rooms\/ROOM -H/, { proof: { by: "end", says: /"tracks"/ }, token: "subscribe" }],
  [/^curl .*\/api\/health/, { proof: { by: "end", says: /"ok":true/ } }],
  [/^npm run example/, { proof: { by: "service", says: /127\.0\.0\.1:3000/ } }],
  [/^curl .*\/login/, { proof: { by: "end", says: /\{\}/ } }],
  [/^curl .*\/meetings/, { proof: { by: "end", says: /"meeting"/ } }],
  [/^npx roomcast serve/, { proof: { by: "service", says: /"serving"/ } }],
  [/^(?:cd|\.) /, { proof: { by: "end" } }],
];

/** The rule for a command; undefined: there is none. */
export function ruleFor(command: string): Run | string | undefined {
  return RULES.find(([pattern]) => pattern.test(command))?.[1];
}
