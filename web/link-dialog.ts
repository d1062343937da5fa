// A dialog with a link: as text to copy, and as a QR code for a phone.
import { generate } from "lean-qr";
import { copyButton, element } from "./dom.ts";
import { expiryText } from "./token-claims.ts";

/** The light border around the code, in modules: readers need four. */
const QUIET = 4;

/** Shows the dialog. `token`: the token in the link; undefined for a public room. */
export function showLink(link: string, token: string | undefined): void {
  const text = element("pre", { id: "link-text" }, link);
  const copy = element("button", { type: "button", "aria-label": "Copy the link" }, "Copy");
  copyButton(copy, text);
  const canvas = element("canvas", { id: "qr", class: "qr", role: "img", "aria-label": "The link as a QR code" });
  generate(link).toCanvas(canvas, { padX: QUIET, padY: QUIET, on: [0, 0, 0, 255], off: [255, 255, 255, 255] });
  const expiry = token === undefined ? undefined : expiryText(token);
  const close = element("button", { type: "button", class: "primary" }, "Close");
  const dialog = element(
    "dialog",
    { id: "link-dialog", class: "dialog", "aria-labelledby": "link-title" },
    element("h2", { id: "link-title" }, "Link for viewers"),
    element("p", { class: "hint" }, "Everybody with this link can watch, and do nothing else."),
    canvas,
    element("div", { class: "copyable" }, text, copy),
    element("p", { class: "hint" }, expiry === undefined ? "" : `It works until ${expiry}.`),
    close,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
