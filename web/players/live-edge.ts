// Keeps a <video> near the newest bytes: it plays a little faster, or jumps.

/**
 * If playback is further behind the newest bytes than this, it jumps. At the beginning of a stream, it jumps sooner.
 */
const JUMP_ABOVE_S = 3;
const JUMP_AT_BEGIN_ABOVE_S = 0.4;
/** If playback is this far above the cushion, it plays faster until it reaches the cushion. */
const SPEED_UP_ABOVE_S = 0.2;
const FASTER = 1.1;
/** The cushion is the intended distance from the newest bytes. It grows each time that playback runs out of bytes. */
const LEAST_CUSHION_S = 0.3;
const MOST_CUSHION_S = 1.5;
const CUSHION_STEP_S = 0.25;
/** The cushion shrinks by a step after this number of ticks without such a stall. */
const CALM_TICKS = 80;
/**
 * Bytes that arrive in steps (fragments) leave a distance of one step. The steps are measured over this number of
 * ticks.
 */
const TICKS = 12;
/** Steps up to this size are no more than the time between two ticks. */
const STEADY_STEP_S = 0.5;

/** For one run of the stream. Call `tick` a few times a second. */
export class LiveEdge {
  readonly #video: HTMLVideoElement;
  #began = false;
  #end: number | undefined;
  #steps: number[] = [];
  #cushion = LEAST_CUSHION_S;
  #calm = 0;
  #hasPlayed = false;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    video.playbackRate = 1;
  }

  /** Seconds between the visible picture and the newest bytes. */
  get behind(): number | undefined {
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0 ? undefined : Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  /** The bytes so far were the past: jumps to the edge at once. */
  caughtUp(): void {
    this.#began = false;
    this.#end = undefined;
  }

  tick(): void {
    const { behind } = this;
    if (behind === undefined) return;
    this.#watchStalls();
    const target = this.#cushion + this.#step();
    if (behind > target + (this.#began ? JUMP_ABOVE_S : JUMP_AT_BEGIN_ABOVE_S)) this.#jump(target);
    else if (behind > target + SPEED_UP_ABOVE_S) this.#video.playbackRate = FASTER;
    else if (behind <= target) this.#video.playbackRate = 1;
    this.#began = true;
  }

  /** Only an interruption is a stall: before the first picture, nothing is missing. */
  #watchStalls(): void {
    const { readyState, paused, seeking } = this.#video;
    const isShort = readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !paused && !seeking;
    if (isShort && this.#hasPlayed) {
      this.#cushion = Math.min(MOST_CUSHION_S, this.#cushion + CUSHION_STEP_S);
      this.#calm = 0;
    } else if (++this.#calm >= CALM_TICKS) {
      this.#cushion = Math.max(LEAST_CUSHION_S, this.#cushion - CUSHION_STEP_S);
      this.#calm = 0;
    }
    this.#hasPlayed = !isShort;
  }

  /** The difference between the recent step size and the usual one. */
  #step(): number {
    const { buffered } = this.#video;
    const end = buffered.end(buffered.length - 1);
    if (this.#end !== undefined) this.#steps = [...this.#steps, end - this.#end].slice(-TICKS);
    this.#end = end;
    return Math.max(0, ...this.#steps.map((one) => one - STEADY_STEP_S));
  }

  #jump(distance: number): void {
    const { buffered } = this.#video;
    const last = buffered.length - 1;
    this.#video.currentTime = Math.max(buffered.start(last), buffered.end(last) - distance);
    this.#video.playbackRate = 1;
  }
}
