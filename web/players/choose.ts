// The choice of the player for each kind of payload.
import type { Kind } from "../kinds.ts";
import { BytesPlayer } from "./bytes-player.ts";
import { LogPlayer } from "./log-player.ts";
import { startMse } from "./mse-engine.ts";
import { PicturePlayer } from "./pictures.ts";
import type { Player } from "./player.ts";
import { jsonRows, textRows } from "./rows.ts";
import { VideoPlayer } from "./video-player.ts";

/**
 * A new player. It borrows `video`, so that the volume outlives players. `epoch`: the epoch that the track is already
 * in.
 */
export function createPlayer(kind: Kind, video: HTMLVideoElement, epoch: string | undefined): Player {
  switch (kind) {
    case "mpegts":
      return new VideoPlayer(video, epoch, async () => (await import("./mpegts-engine.ts")).startMpegts);
    case "mse":
      return new VideoPlayer(video, epoch, async () => startMse);
    case "pictures":
      return new PicturePlayer();
    case "lines":
      return new LogPlayer(textRows(), "Lines, the newest last");
    case "json":
      return new LogPlayer(jsonRows(), "JSON values, the newest last");
    case "bytes":
      return new BytesPlayer();
  }
}
