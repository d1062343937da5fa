// Cluster mode of workerd: rooms are spread over instances that share a bucket. It is experimental, as in workerd.
import { randomUUID } from "node:crypto";
import { type HostPort, reachable } from "./host-port.ts";
import { quote } from "./quote.ts";
import { secretOf } from "./secrets.ts";
import type { ServeConfig } from "./settings.ts";

/** All instances share a key, which gives access to all of them. */
const MIN_KEY_CHARS = 32;
/** Time from SIGTERM to the end of workerd. It first hands its rooms over, which takes less than a second. */
export const CLUSTER_STOP_MS = 5000;
/** A client that reconnects after this time finds the room at another instance. */
export const HANDED_OVER_MS = 2000;
/** Time for the instance to report that it is ready. */
const READY_MS = 2000;

/** Variables that workerd itself reads: the address of the bucket, and its credentials. */
const BUCKET_VARIABLES = [
  "AWS_ENDPOINT_URL",
  "AWS_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_CREDENTIALS_FILE",
];

/** All variables that only a member of the cluster may know. */
export const CLUSTER_VARIABLES: readonly string[] = ["CLUSTER_KEY", ...BUCKET_VARIABLES];

/** One instance of a cluster. */
export interface Cluster {
  /** s3://BUCKET/PREFIX */
  readonly bucket: string;
  readonly address: HostPort;
  readonly advertise: string;
  /** Its name among the instances, which is new at each start. */
  readonly instance: string;
  readonly key: string;
  readonly env: NodeJS.ProcessEnv;
  /** For tests: the factor by which leases are shorter. */
  readonly timeDivisor: number;
}

/** undefined: there is no cluster. Adds errors to `problems`. */
export function clusterOf(config: ServeConfig, env: NodeJS.ProcessEnv, problems: string[]): Cluster | undefined {
  const { cluster: bucket, clusterAddress: address, clusterAdvertise: advertise } = config;
  if (bucket === "") return undefined;
  const key = secretOf("CLUSTER_KEY", env, problems) ?? "";
  if (key.length < MIN_KEY_CHARS) {
    problems.push(
      `set CLUSTER_KEY or CLUSTER_KEY_FILE, to the same value on every instance, with at least ${MIN_KEY_CHARS} characters`,
    );
  }
  const given = Object.entries(env).filter(([name]) => BUCKET_VARIABLES.includes(name));
  const timeDivisor = Number(env.ROOMCAST_UNSAFE_TIME_DIVISOR ?? 1);
  return { bucket, address, advertise, instance: randomUUID(), key, env: Object.fromEntries(given), timeDivisor };
}

/** The cluster part of workerd's configuration. It contains the key, because workerd reads it only from there. */
export function clusterConfig({ bucket, address, advertise, key, timeDivisor }: Cluster): string {
  const fields = [
    `bucket = ${quote(bucket)}`,
    `address = ${quote(address)}`,
    ...(advertise === "" ? [] : [`advertise = ${quote(advertise)}`]),
    `key = ${quote(key)}`,
    `stopTimeoutMs = ${CLUSTER_STOP_MS}`,
    ...(timeDivisor === 1 ? [] : [`unsafeTimeDivisor = ${timeDivisor}`]),
  ];
  return `(${fields.join(", ")})`;
}

/** True if the instance serves, holds its lease, and is not stopping. */
export function isClusterReady({ address }: Cluster): Promise<boolean> {
  const signal = AbortSignal.timeout(READY_MS);
  return fetch(`http://${reachable(address)}/ready`, { signal }).then(
    ({ status }) => status === 200,
    () => false,
  );
}
