// Small helpers for the DOM. Data reaches it as text only.

/** The element that matches `selector` under `root`. Throws if it is missing. */
export function one<E extends Element>(root: ParentNode, selector: string, type: new () => E): E {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`${selector} is missing`);
  return element;
}

/** A new element with attributes and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Puts the content of `<template id="...">` into the page's main element. */
export function showTemplate(id: string): HTMLElement {
  const main = one(document, "main", HTMLElement);
  main.replaceChildren(one(document, `template#${id}`, HTMLTemplateElement).content.cloneNode(true));
  return main;
}

/** Sets the text, and changes the DOM only if the text differs (screen readers announce each change). */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a problem beside a field, and moves the focus there. An empty text removes it. */
export function fieldProblem(field: HTMLInputElement | HTMLTextAreaElement, problem: string): void {
  const beside = document.getElementById(field.getAttribute("aria-describedby")?.split(" ").at(-1) ?? "");
  if (beside !== null) setText(beside, problem);
  if (problem === "") field.removeAttribute("aria-invalid");
  else {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}

/** Makes the button copy the text of `source`. Without a clipboard, it selects the text. */
export function copyButton(button: HTMLButtonElement, source: HTMLElement): void {
  copyText(button, () => source.textContent, source);
}

/** Makes the button copy a text. Without a clipboard, it selects `shown`, which contains the text. */
export function copyText(button: HTMLButtonElement, text: () => string, shown?: HTMLElement): void {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const copied = await copy(text()).catch(() => false);
    if (!copied && shown !== undefined) getSelection()?.selectAllChildren(shown);
    button.textContent = copied ? "Copied" : shown === undefined ? "Not possible" : "Selected: press Ctrl+C";
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
    }, 2500);
  });
}

/** Returns false if there is no clipboard (the page was not loaded securely). */
async function copy(text: string): Promise<boolean> {
  if (!isSecureContext) return false;
  await navigator.clipboard.writeText(text);
  return true;
}
