// The sources that can be shared: a screen, a camera, a file. Each has a picture, a sound, and a preview element.
import { element } from "../dom.ts";
import type { Heard } from "./sound-mix.ts";

/** In the order of their buttons. */
export const SOURCE_KINDS = ["screen", "camera", "file"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Owns the opened devices until `stop`. */
export interface Source {
  readonly kind: SourceKind;
  readonly picture: MediaStreamTrack;
  readonly heard: Heard;
  readonly preview: HTMLVideoElement;
  /**
   * Calls `ended` when the source ends by itself: the file is over, the user pressed the browser's own bar, or a device
   * is gone.
   */
  onEnd(ended: () => void): void;
  stop(): void;
}

type Capturing = HTMLVideoElement & { captureStream?: () => MediaStream; mozCaptureStream?: () => MediaStream };

const FRAMES = { ideal: 30, max: 30 };
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: FRAMES };

/** The sources that this browser supports. There are none if the page was not loaded securely. */
export function availableSources(): SourceKind[] {
  const devices: Partial<MediaDevices> = navigator.mediaDevices ?? {};
  const video: Capturing = element("video");
  const has: Record<SourceKind, boolean> = {
    screen: devices.getDisplayMedia !== undefined,
    camera: devices.getUserMedia !== undefined,
    file: isSecureContext && (video.captureStream ?? video.mozCaptureStream) !== undefined,
  };
  return SOURCE_KINDS.filter((kind) => has[kind]);
}

/** Rejects if the user refuses, or if there is no screen. */
export async function openScreen(): Promise<Source> {
  return ofStream(
    "screen",
    await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: FRAMES }, audio: true }),
  );
}

/** A camera with its microphone, if there is one. Rejects if the user refuses, or if there is no camera. */
export async function openCamera(): Promise<Source> {
  const { mediaDevices } = navigator;
  const stream = await mediaDevices.getUserMedia({ video: CAMERA, audio: true }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "NotFoundError")
      return mediaDevices.getUserMedia({ video: CAMERA });
    throw error;
  });
  return ofStream("camera", stream);
}

/**
 * A file that this browser can play. If it has no pictures, its name is shown as a picture. Rejects with a text for the
 * user.
 */
export async function openFile(file: File): Promise<Source> {
  const url = URL.createObjectURL(file);
  const video: Capturing = element("video", { src: url, playsinline: "", controls: "" });
  try {
    await video.play();
  } catch {
    URL.revokeObjectURL(url);
    throw new Error(`This browser cannot play ${file.name}. Files with H.264 and AAC (MP4), or WebM, work.`);
  }
  const captured = video.captureStream?.() ?? video.mozCaptureStream?.();
  const picture = video.videoWidth > 0 ? captured?.getVideoTracks()[0] : titleTrack(file.name);
  if (picture === undefined) throw new Error("This browser cannot share files.");
  return {
    kind: "file",
    picture,
    heard: video,
    preview: video,
    onEnd: (ended) => video.addEventListener("ended", ended, { once: true }),
    stop: () => {
      picture.stop();
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(url);
    },
  };
}

function ofStream(kind: SourceKind, stream: MediaStream): Source {
  const [picture] = stream.getVideoTracks();
  if (picture === undefined) throw new Error("The source has no picture.");
  picture.contentHint = kind === "screen" ? "detail" : "motion";
  const preview = element("video", { playsinline: "", autoplay: "" });
  preview.muted = true;
  preview.srcObject = new MediaStream([picture]);
  return {
    kind,
    picture,
    heard: stream,
    preview,
    onEnd: (ended) => picture.addEventListener("ended", ended, { once: true }),
    stop: () => {
      for (const track of stream.getTracks()) track.stop();
      preview.srcObject = null;
    },
  };
}

function titleTrack(title: string): MediaStreamTrack | undefined {
  const canvas = element("canvas", { width: "640", height: "360" });
  const context = canvas.getContext("2d");
  const [track] = canvas.captureStream().getVideoTracks();
  if (context === null) return track;
  context.fillStyle = "#11151a";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#dfe5ec";
  context.font = "28px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(title, canvas.width / 2, canvas.height / 2, canvas.width - 40);
  return track;
}
