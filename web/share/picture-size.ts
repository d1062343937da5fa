// The size of encoded pictures: the source's size, within the limits of an H.264 level and of the bitrate. Pure.

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** 1920 x 1080. */
const MAX_PIXELS = 2_073_600;
/** Fewer bits a second for each pixel would show blocks, so the picture is made smaller, in steps. */
const MIN_BITS_PER_PIXEL = 0.9;
const STEPS = [1, 3 / 4, 1 / 2, 3 / 8, 1 / 4];

/** The size for pictures of `width` x `height`: even numbers in the same proportion. `bitrate`: bits per second. */
export function pictureSize(width: number, height: number, bitrate: number): Size {
  const most = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)));
  const sizes = STEPS.map((step) => scaled(width, height, most * step));
  return (
    sizes.find((size) => bitrate >= size.width * size.height * MIN_BITS_PER_PIXEL) ?? scaled(width, height, most / 4)
  );
}

function scaled(width: number, height: number, by: number): Size {
  const even = (length: number) => Math.max(2, 2 * Math.floor((length * by) / 2 + 0.01));
  return { width: even(width), height: even(height) };
}
