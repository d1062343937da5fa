// Where recordings are: a folder of this machine, or a bucket that speaks S3.
import { quote } from "./quote.ts";
import type { ServeConfig } from "./settings.ts";

/** `url`: of the bucket, with the prefix; it ends with a `/`. */
export type RecordingsPlace =
  | { readonly in: "folder"; readonly path: string }
  | { readonly in: "bucket"; readonly url: string; readonly region: string };

/** Variables of workerd's environment with the credentials for the bucket. */
export const BUCKET_SECRETS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] as const;

const DEFAULT_REGION = "us-east-1";

/**
 * undefined: nothing can be recorded, because a folder would belong to one instance of the cluster. Adds errors to
 * `problems`.
 */
export function recordingsOf(
  { recordings, cluster }: Pick<ServeConfig, "recordings" | "cluster">,
  folder: string,
  env: NodeJS.ProcessEnv,
  problems: string[],
): RecordingsPlace | undefined {
  if (recordings === "") return cluster === "" ? { in: "folder", path: folder } : undefined;
  // workerd owns all objects below the prefix of a cluster, and a recorder owns all objects below its prefix.
  if (`${recordings}/`.startsWith(`${cluster}/`) || `${cluster}/`.startsWith(`${recordings}/`)) {
    problems.push("--recordings and --cluster have to be apart: give each a prefix of its own");
  }
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const) {
    if (!env[name]) problems.push(`${name} has to be set for --recordings`);
  }
  const { AWS_REGION: region = DEFAULT_REGION } = env;
  const { AWS_ENDPOINT_URL: endpoint = `https://s3.${region}.amazonaws.com` } = env;
  if (!URL.canParse(endpoint)) problems.push("AWS_ENDPOINT_URL is no URL");
  const path = recordings.slice("s3://".length).replace(/\/$/, "");
  return { in: "bucket", url: `${endpoint.replace(/\/$/, "")}/${path}/`, region };
}

/** The Worker's bindings for it. */
export function recordingsBindings(place: RecordingsPlace): string[] {
  if (place.in === "folder") return [`(name = "RECORDINGS_DISK", service = "recordings")`];
  return [
    `(name = "RECORDINGS_BUCKET", service = "recordings")`,
    `(name = "RECORDINGS_URL", text = ${quote(place.url)})`,
    `(name = "RECORDINGS_REGION", text = ${quote(place.region)})`,
    ...BUCKET_SECRETS.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
}

/** workerd's service behind them. A bucket may be in a private network, which webhooks must not reach. */
export function recordingsService(place: RecordingsPlace): string {
  if (place.in === "folder") return `(name = "recordings", disk = (path = ${quote(place.path)}, writable = true)),`;
  return `(name = "recordings", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),`;
}
