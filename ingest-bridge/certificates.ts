// The certificates of TLS listeners: read from files at the start, and again on request.
import { readFile } from "node:fs/promises";
import tls from "node:tls";
import { ConfigError } from "./bridge-config.ts";
import { formatAddress, type Listen, type TlsFiles } from "./listen-url.ts";

/** A certificate and its key, PEM. `ca`: the authority for producers' certificates, if producers need one. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/** Reads the certificates of all listeners that have one. Throws `ConfigError` with all problems. */
export async function loadCertificates(listen: readonly Listen[]): Promise<ReadonlyMap<Listen, Certificate>> {
  const problems: string[] = [];
  const certificates = new Map<Listen, Certificate>();
  for (const one of listen) {
    if (one.tls === undefined) continue;
    try {
      certificates.set(one, await load(one.tls));
    } catch (error) {
      problems.push(
        `--listen (ROOMCAST_LISTEN) tls://${formatAddress(one)} has no usable cert, key or client-ca: ${error}`,
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return certificates;
}

async function load(files: TlsFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
  const certificate = files.clientCa === undefined ? { cert, key } : { cert, key, ca: await readFile(files.clientCa) };
  tls.createSecureContext(certificate);
  return certificate;
}
