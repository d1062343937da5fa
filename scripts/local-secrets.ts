// `npm run dev`: adds missing secrets to .dev.vars, so that `wrangler dev` has them.
import { localSecrets } from "../cli/local-secrets.ts";

localSecrets(process.cwd());
