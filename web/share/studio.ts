// The sharing part of a room's page: buttons for the supported sources, a preview, and the status of the connection.
import { one, setText } from "../dom.ts";
import { explainRefusal } from "../refusal-text.ts";
import { Broadcast, type BroadcastEnd } from "./broadcast.ts";
import { availableSources, openCamera, openFile, openScreen, type Source, type SourceKind } from "./sources.ts";
import { choosePipeline } from "./start-pipeline.ts";
import { shareStatus } from "./status.ts";
import { studioView } from "./studio-view.ts";

const RENDER_EVERY_MS = 500;
const WHAT: Readonly<Record<SourceKind, string>> = { screen: "your screen", camera: "your camera", file: "a file" };

/** The destination. `freeTrack` returns the name of a track without a publisher, for a kind of source. */
export interface StudioOptions {
  readonly url: string;
  readonly room: string;
  readonly token: string;
  freeTrack(kind: SourceKind): string;
}

/** Owns its elements and the shared source. */
export class Studio {
  readonly element: HTMLElement;
  readonly #options: StudioOptions;
  #broadcast: Broadcast | undefined;
  #isOpening = false;

  constructor(options: StudioOptions) {
    this.#options = options;
    this.element = studioView(availableSources());
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("button[data-source]"))
      button.addEventListener("click", () => this.#press(button.dataset.source as SourceKind));
    const file = this.#input("share-file");
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      file.value = "";
      if (chosen !== undefined) void this.#share("file", () => openFile(chosen));
    });
    one(this.element, "#share-stop", HTMLButtonElement).addEventListener("click", () => this.#broadcast?.stop());
    this.#quality.addEventListener("change", () => this.#broadcast?.setBitrate(this.#bitrate));
    addEventListener("pagehide", () => this.#broadcast?.leave());
    setInterval(() => this.#render(), RENDER_EVERY_MS);
    this.#render();
  }

  #press(kind: SourceKind): void {
    if (kind === "screen") void this.#share(kind, openScreen);
    else if (kind === "camera") void this.#share(kind, openCamera);
    else this.#input("share-file").click();
  }

  async #share(kind: SourceKind, open: () => Promise<Source>): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    this.#say("");
    try {
      const source = await open();
      if (this.#broadcast === undefined) await this.#begin(kind, source);
      else this.#broadcast.switchTo(source);
      one(this.element, "#share-preview", HTMLElement).replaceChildren(source.preview);
    } catch (error) {
      this.#say(whyNot(kind, error));
    } finally {
      this.#isOpening = false;
      this.#render();
    }
  }

  async #begin(kind: SourceKind, source: Source): Promise<void> {
    const start = await choosePipeline();
    if (start === undefined) {
      source.stop();
      throw new Error("This browser cannot encode video. Try a current Chrome, Edge, Firefox or Safari.");
    }
    const { freeTrack, ...where } = this.#options;
    const track = this.#input("share-track").value.trim() || freeTrack(kind);
    const takeover = this.#input("share-takeover").checked;
    this.#broadcast = new Broadcast(source, { ...where, track, takeover, bitrate: this.#bitrate, start });
    setText(one(this.element, "#share-into", HTMLElement), `Track ${track}`);
    void this.#broadcast.over.then((end) => this.#ended(end, track));
  }

  #ended(end: BroadcastEnd, track: string): void {
    this.#broadcast = undefined;
    const hadFocus = one(this.element, "#sharing", HTMLElement).contains(document.activeElement);
    one(this.element, "#share-preview", HTMLElement).replaceChildren();
    if (end.is === "failed") this.#say(`Sharing stopped: ${end.detail}.`);
    if (end.is === "refused") this.#refused(end, track);
    this.#render();
    // The element that had the focus is now hidden.
    if (hadFocus) one(this.element, "button[data-source]", HTMLButtonElement).focus();
  }

  #refused({ code, status }: BroadcastEnd & { is: "refused" }, track: string): void {
    const options = one(this.element, "#share-options", HTMLDetailsElement);
    options.open ||= code === "track_busy";
    if (code === "track_busy")
      return this.#say(`Somebody else is sharing into track ${track}. Enter another track, or replace the publisher.`);
    const { title, advice } = explainRefusal(code, status);
    this.#say(`${title}. ${advice} (${code})`);
  }

  #say(problem: string): void {
    setText(one(this.element, "#share-problem", HTMLElement), problem);
  }

  #render(): void {
    const broadcast = this.#broadcast;
    const status = shareStatus(broadcast?.figures, this.#bitrate);
    one(this.element, "#sharing", HTMLElement).hidden = broadcast === undefined;
    const state = one(this.element, "#share-state", HTMLElement);
    state.dataset.value = status.is;
    setText(state, status.is === "live" && broadcast ? `You are sharing ${WHAT[broadcast.source.kind]}` : status.text);
    setText(one(this.element, "#share-rate", HTMLElement), status.rate);
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("button[data-source]")) {
      const kind = button.dataset.source as SourceKind;
      button.ariaPressed = String(broadcast?.source.kind === kind);
    }
  }

  get #quality(): HTMLSelectElement {
    return one(this.element, "#share-quality", HTMLSelectElement);
  }

  /** Bits per second. */
  get #bitrate(): number {
    return Number(this.#quality.value);
  }

  #input(id: string): HTMLInputElement {
    return one(this.element, `#${id}`, HTMLInputElement);
  }
}

function whyNot(kind: SourceKind, error: unknown): string {
  if (!(error instanceof DOMException)) return error instanceof Error ? error.message : String(error);
  switch (error.name) {
    case "NotAllowedError":
      return `The browser refused. Allow this page to use ${WHAT[kind]}, then try again.`;
    case "NotFoundError":
      return kind === "camera" ? "There is no camera." : "There is nothing to share.";
    case "NotReadableError":
      return "Another program is using it.";
    default:
      return `It cannot be shared: ${error.message}`;
  }
}
