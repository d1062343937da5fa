// H.264 and AAC or Opus by the browser's encoders (WebCodecs), in an MPEG transport stream.
import { MpegtsMuxer } from "./mpegts-muxer.ts";
import type { SoundCodec } from "./mpegts-tables.ts";
import { PictureEncoder, pictureConfig } from "./picture-encoder.ts";
import type { StartPipeline } from "./pipeline.ts";
import { SoundEncoder, soundConfig } from "./sound-encoder.ts";
import { canReadTracks } from "./track-reader.ts";

/** Level 4.0, which covers 1080p. The profiles that most decoders support come first. */
const PROFILES = ["avc1.42e028", "avc1.420028", "avc1.4d0028", "avc1.640028"];
const SOUNDS: readonly SoundCodec[] = ["aac", "opus"];
const PROBE = { size: { width: 1280, height: 720 }, bitrate: 1_500_000 };

/** Undefined if this browser lacks something that it needs. */
export async function transportPipeline(): Promise<StartPipeline | undefined> {
  if (!canReadTracks() || typeof VideoEncoder === "undefined" || typeof AudioEncoder === "undefined") return undefined;
  const profile = await first(PROFILES, (codec) =>
    VideoEncoder.isConfigSupported(pictureConfig(codec, PROBE.size, PROBE.bitrate)),
  );
  const sound = await first(SOUNDS, (codec) => AudioEncoder.isConfigSupported(soundConfig(codec)));
  if (profile === undefined || sound === undefined) return undefined;
  return start.bind(undefined, profile, sound);
}

async function first<T>(
  codecs: readonly T[],
  ask: (codec: T) => Promise<{ supported?: boolean }>,
): Promise<T | undefined> {
  for (const codec of codecs) {
    const { supported } = await ask(codec).catch(() => ({ supported: false }));
    if (supported) return codec;
  }
  return undefined;
}

function start(profile: string, soundCodec: SoundCodec, ...[picture, sound, rate, sink]: Parameters<StartPipeline>) {
  const muxer = new MpegtsMuxer(soundCodec);
  sink.setFormat(muxer.format(profile));
  /** Sound before the first picture belongs to no group, so no viewer could start there. */
  let hasBegun = false;
  const pictures = new PictureEncoder(
    profile,
    rate,
    (unit, isKey) => {
      hasBegun ||= isKey;
      if (hasBegun) sink.write(muxer.picture(unit, isKey));
    },
    sink.fail,
  );
  const sounds = new SoundEncoder(
    sound,
    soundCodec,
    (unit) => {
      if (hasBegun) sink.write(muxer.sound(unit));
    },
    sink.fail,
  );
  pictures.setTrack(picture);
  return {
    setPicture: (track: MediaStreamTrack) => pictures.setTrack(track),
    setRate: pictures.setRate.bind(pictures),
    stop: async () => {
      await Promise.all([pictures.close(), sounds.close()]);
    },
  };
}
