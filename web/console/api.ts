// Requests of the console to the operators' API. The key goes into a header, and is stored only in the tab.

const KEY = "roomcast-operator-key";

/** A refusal of the server. `text` is for people. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, text: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** The key of this tab; undefined if there is none. */
export function keyOfTab(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function keepKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(KEY);
}

/** The text of an answer. Throws `Refused`. */
async function ask(method: string, path: string, body?: object): Promise<string> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${keyOfTab() ?? ""}` };
  const response = await fetch(path, { method, headers, ...init }).catch(() => undefined);
  if (response === undefined) throw new Refused(0, "unreachable", "The server could not be reached.");
  const text = await response.text();
  if (response.ok) return text;
  const problem = parsed(text) as { code?: string; title?: string; detail?: string } | undefined;
  const said = [problem?.title, problem?.detail].filter(Boolean).join(": ");
  throw new Refused(response.status, problem?.code ?? "", said || `The server answered ${response.status}.`);
}

export async function get<T>(path: string): Promise<T> {
  return parsed(await ask("GET", path)) as T;
}

export function getText(path: string): Promise<string> {
  return ask("GET", path);
}

/** Returns `otherwise` if the Worker has no index. */
export async function getIndexed<T>(path: string, otherwise: T): Promise<T> {
  try {
    return await get<T>(path);
  } catch (error) {
    if (error instanceof Refused && error.code === "not_enabled") return otherwise;
    throw error;
  }
}

/** Performs an action and ignores the answer's body. */
export async function act(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<void> {
  await ask(method, path, body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
