// Signature Version 4 of AWS as a bucket checks it, from what came over the wire.
import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What is wrong with the signature of a request, or with its bytes; undefined: nothing. */
export function signatureFault(request: IncomingMessage, bytes: Buffer, secret: string): string | undefined {
  const { headers, method = "", url = "" } = request;
  const header =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, day = "", region = "", names = "", signature] = header.exec(headers.authorization ?? "") ?? [];
  if (signature === undefined) return "there is no signature";
  const digest = String(headers["x-amz-content-sha256"]);
  if (digest !== "UNSIGNED-PAYLOAD" && digest !== sha256(bytes)) return "the digest is not that of the bytes";
  for (const name of ["host", "x-amz-content-sha256", "x-amz-date"]) {
    if (!names.split(";").includes(name)) return `${name} is not signed`;
  }
  const { pathname, searchParams } = new URL(url, "http://bucket");
  const query = [...searchParams].map((pair) => pair.map(escaped).join("=")).sort();
  const signed = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, pathname, query.join("&"), signed.join(""), names, digest].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer | string>(hmac, `AWS4${secret}`);
  return hmac(key, text).toString("hex") === signature ? undefined : "the signature is wrong";
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
