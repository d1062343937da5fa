// Shows JPEG frames in an <img>: the newest one as soon as the one before is drawn, older ones are left out.

/** Owns the image's object URLs: there is never more than one that is not revoked. */
export class Picture {
  readonly #image: HTMLImageElement;
  #url: string | undefined;
  #next: Uint8Array | undefined;

  constructor(image: HTMLImageElement) {
    this.#image = image;
    image.addEventListener("load", () => this.#drawn());
    image.addEventListener("error", () => this.#drawn());
  }

  /** Shows this frame next. */
  show(payload: Uint8Array): void {
    if (this.#url === undefined) this.#draw(payload);
    else this.#next = payload;
  }

  #draw(payload: Uint8Array): void {
    this.#url = URL.createObjectURL(new Blob([payload.slice()], { type: "image/jpeg" }));
    this.#image.src = this.#url;
  }

  #drawn(): void {
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#draw(next);
  }
}
