// One sound track for the whole time of sharing: its input changes, the track does not. Without an input, it is silent.
import { SAMPLE_RATE } from "./sound-encoder.ts";
import { canReadTracks } from "./track-reader.ts";

/** The input: the sound tracks of a stream, or the sound of an element, which is then audible nowhere else. */
export type Heard = MediaStream | HTMLMediaElement;

/** Runs until it is closed. Create it while handling a user's action; otherwise the browser keeps it silent. */
export class SoundMix {
  // Our own encoder needs this rate. If there is no such encoder, a rate other than the microphone's would cause an
  // error.
  readonly #context = new AudioContext({
    ...(canReadTracks() && { sampleRate: SAMPLE_RATE }),
    latencyHint: "interactive",
  });
  readonly #out = new MediaStreamAudioDestinationNode(this.#context, {
    channelCount: 2,
    channelCountMode: "explicit",
  });
  #in: AudioNode | undefined;

  constructor() {
    // Chromium produces no samples for a destination without inputs.
    const silence = new ConstantSourceNode(this.#context, { offset: 0 });
    silence.connect(this.#out);
    silence.start();
    void this.#context.resume();
  }

  get track(): MediaStreamTrack {
    const [track] = this.#out.stream.getAudioTracks();
    if (track === undefined) throw new Error("there is no sound");
    return track;
  }

  /** Switches to another input. */
  hear(heard: Heard): void {
    this.#in?.disconnect();
    this.#in = this.#nodeOf(heard);
    this.#in?.connect(this.#out);
  }

  close(): void {
    void this.#context.close().catch(() => {});
  }

  #nodeOf(heard: Heard): AudioNode | undefined {
    if (heard instanceof HTMLMediaElement) return this.#context.createMediaElementSource(heard);
    return heard.getAudioTracks().length === 0 ? undefined : this.#context.createMediaStreamSource(heard);
  }
}
