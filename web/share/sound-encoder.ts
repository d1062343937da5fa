// Encodes sound as AAC or Opus, on the clock of the pictures.

import type { Unit } from "./mpegts-muxer.ts";
import type { SoundCodec } from "./mpegts-tables.ts";
import { StreamClock } from "./stream-clock.ts";
import { readTrack } from "./track-reader.ts";

export const SAMPLE_RATE = 48_000;
const CHANNELS = 2;
const BITRATE = 96_000;

/** For one track, for its whole life. */
export class SoundEncoder {
  readonly #encoder: AudioEncoder;
  readonly #stopReading: () => void;
  readonly #clock = new StreamClock();
  /** Converts times of the track to times of the clock. */
  #offset = 0;

  constructor(track: MediaStreamTrack, codec: SoundCodec, take: (unit: Unit) => void, fail: (detail: string) => void) {
    this.#encoder = new AudioEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        take({ bytes, microseconds: chunk.timestamp + this.#offset });
      },
      error: (error) => fail(`the sound cannot be encoded: ${error.message}`),
    });
    this.#encoder.configure(soundConfig(codec));
    this.#stopReading = readTrack<AudioData>(track, (data) => {
      this.#offset = this.#clock.place(data.timestamp, performance.now() * 1000) - data.timestamp;
      if (this.#encoder.state === "configured") this.#encoder.encode(data);
      data.close();
    });
  }

  async close(): Promise<void> {
    this.#stopReading();
    if (this.#encoder.state === "configured") await this.#encoder.flush().catch(() => {});
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }
}

/** The encoder's configuration. AAC comes with its headers (ADTS). */
export function soundConfig(codec: SoundCodec): AudioEncoderConfig {
  const common = { sampleRate: SAMPLE_RATE, numberOfChannels: CHANNELS, bitrate: BITRATE };
  return codec === "aac"
    ? { codec: "mp4a.40.2", ...common, aac: { format: "adts" } }
    : { codec: "opus", ...common, opus: { frameDuration: 20_000 } };
}
