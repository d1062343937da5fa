// Small helpers for the DOM. Data reaches it as text only.

/** The element that `selector` finds under `root`; it is there, or the page is broken. */
export function one<E extends Element>(root: ParentNode, selector: string, type: new () => E): E {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`${selector} is missing`);
  return element;
}

/** Puts the content of `<template id="...">` into the page's main element. */
export function showTemplate(id: string): HTMLElement {
  const main = one(document, "main", HTMLElement);
  main.replaceChildren(one(document, `template#${id}`, HTMLTemplateElement).content.cloneNode(true));
  return main;
}

/** Sets the text, and touches the DOM only if it changes (screen readers hear each change). */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that copies the text of `source`, and says so. */
export function copyButton(button: HTMLButtonElement, source: HTMLElement): void {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const copied = await copy(source.textContent).catch(() => false);
    if (!copied) getSelection()?.selectAllChildren(source);
    button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
    }, 2500);
  });
}

/** False where there is no clipboard (a page that was not loaded securely). */
async function copy(text: string): Promise<boolean> {
  if (!isSecureContext) return false;
  await navigator.clipboard.writeText(text);
  return true;
}
