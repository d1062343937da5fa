// A room's recordings over HTTP: the list of recordings, their segments, and the bytes of a segment.
import {
  type RecordedSegment,
  recordingsShape,
  type SegmentsPage,
  segmentsShape,
  unpackFrames,
} from "../protocol/recording.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { Download } from "./environment.ts";
import { apiUrl, roomUrl } from "./room-urls.ts";

/** A page of segments with their tables of frames. The largest tables have a frame for each millisecond. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;
const MAX_LIST_BYTES = 1024 * 1024;

/** The delay before a failed request is repeated. It doubles each time. */
const RETRY_MS = 500;
const TRIES = 5;

/** The requested part of a track: from a position (`-SECONDS`, `EPOCH.SEQUENCE`), or after a segment. */
export type Asked = { readonly from: string } | { readonly after: number };

/** A track with a recording; `from`: when the room received its first frame, ms since 1970. */
export interface Recorded {
  readonly track: string;
  readonly from: number;
}

/** A segment with its URL, which is valid for some minutes. */
export interface Segment extends RecordedSegment {
  readonly unpacked: NonNullable<ReturnType<typeof unpackFrames>>;
}

/** Reads recordings with a token. Every method returns undefined if there is no recording, or if nobody answers. */
export class Recordings {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The tracks that have a recording, and its start. */
  async list(): Promise<Recorded[]> {
    const answer = recordingsShape(await this.#json(`${this.#room}/recordings`, MAX_LIST_BYTES));
    return (answer?.recordings ?? []).flatMap(({ track, from }) => (from === null ? [] : [{ track, from }]));
  }

  /** The next segments of a track, and the gaps between them. */
  async page(track: string, asked: Asked): Promise<(SegmentsPage & { readonly segments: Segment[] }) | undefined> {
    const query = "from" in asked ? { from: asked.from } : { after: String(asked.after) };
    const url = `${this.#room}/tracks/${track}/segments?${new URLSearchParams({ ...query, frames: "1" })}`;
    const page = segmentsShape(await this.#json(url, MAX_PAGE_BYTES));
    if (page === undefined) return undefined;
    const segments: Segment[] = [];
    for (const segment of page.segments) {
      const unpacked = unpackFrames(segment.frames ?? [], segment.beganAt, segment.bytes);
      if (unpacked === undefined || unpacked.length !== segment.next - segment.first) return undefined;
      segments.push({ ...segment, unpacked });
    }
    return { ...page, segments };
  }

  /** Downloads an object of a recording, by a path from a page. `gone`: it was deleted. `late`: the URL has expired. */
  async bytes(path: string, size: number): Promise<Uint8Array | "gone" | "late" | undefined> {
    const answer = await this.#ask(apiUrl(this.#options.url, path), {}, size);
    if (answer?.status === 404) return "gone";
    if (answer?.status === 401) return "late";
    return answer?.status === 200 && answer.bytes.byteLength === size ? answer.bytes : undefined;
  }

  get #room(): string {
    return roomUrl(this.#options.url, this.#options.room);
  }

  async #json(url: string, maxBytes: number): Promise<unknown> {
    const { token } = this.#options;
    const bearer = typeof token === "string" ? token : await token();
    // A public room needs no token.
    const answer = await this.#ask(url, bearer === "" ? {} : { authorization: `Bearer ${bearer}` }, maxBytes);
    if (answer?.status !== 200) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(answer.bytes));
    } catch {
      return undefined;
    }
  }

  /** Asks again if nobody answers, or if the answer says that this helps. */
  async #ask(url: string, headers: Record<string, string>, maxBytes: number): Promise<Download | undefined> {
    const { environment } = this.#options;
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await pause(environment, RETRY_MS * 2 ** (tries - 1));
      const answer = await environment.download?.(url, { headers }, maxBytes).catch(() => undefined);
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
    }
    return undefined;
  }
}

/** Resolves after `ms` milliseconds. */
export function pause(environment: ConnectionOptions["environment"], ms: number): Promise<void> {
  return new Promise((resolve) => void environment.setTimeout(resolve, ms));
}
