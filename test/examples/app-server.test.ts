// The example of an application server, against a real Worker: its login decides, and Roomcast enforces it.
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Rooms, RoomsError } from "../../examples/app-server/rooms.ts";
import { App } from "../../examples/app-server/server.ts";
import { BareSocket, refusalOf } from "../support/bare-socket.ts";
import { SECRET, startTestRuntime } from "../support/local-room.ts";

let runtime: Runtime;
let server: Server;
let base: string;

beforeAll(async () => {
  runtime = await startTestRuntime({ vars: { ROOM_CREATION: "key" } });
  server = new App(new Rooms(runtime.url, SECRET), runtime.url).serve().listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server?.close();
  await runtime?.close();
});

/** A user's browser, which keeps its cookie. */
class Browser {
  #cookie = "";

  static async of(user: string): Promise<Browser> {
    const browser = new Browser();
    expect((await browser.ask("POST", "/login", { user, password: "demo" })).status).toBe(200);
    return browser;
  }

  async ask(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, string> }> {
    const headers = { cookie: this.#cookie };
    const response = await fetch(base + path, { method, headers, body: body ? JSON.stringify(body) : null });
    this.#cookie = response.headers.get("set-cookie")?.split(";")[0] ?? this.#cookie;
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  }

  /** Enters a meeting, as its page would. */
  async enter(meeting: string, role: string): Promise<BareSocket> {
    const { body } = await this.ask("GET", `/meetings/${meeting}/token`);
    const { url = "", room = "", token = "" } = body;
    return BareSocket.open({ url, room, token }, { role });
  }
}

test("who has no session, no invitation or no right gets no token", async () => {
  const [owner, guest, stranger] = [await Browser.of("ann"), await Browser.of("bob"), await Browser.of("eve")];
  const { meeting = "" } = (await owner.ask("POST", "/meetings")).body;
  await owner.ask("POST", `/meetings/${meeting}/guests`, { user: "bob" });
  const status = async (browser: Browser, method: string, path: string) => (await browser.ask(method, path)).status;
  expect(await status(new Browser(), "GET", `/meetings/${meeting}/token`)).toBe(401);
  expect(await status(stranger, "GET", `/meetings/${meeting}/token`)).toBe(403);
  expect(await status(guest, "DELETE", `/meetings/${meeting}`)).toBe(403);
  expect(await status(guest, "GET", `/meetings/${meeting}/token`)).toBe(200);
  const { url = "", room = "", token } = (await guest.ask("GET", `/meetings/${meeting}/token`)).body;
  const asked = { query: "?role=publish", protocols: ["roomcast.v1"], authorization: `Bearer ${token}` };
  expect(await refusalOf({ url, room }, asked)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  // The Worker itself refuses clients that bypass the application.
  const direct = await fetch(`${runtime.url}/api/rooms`, { method: "POST", body: "{}" });
  expect(direct.status).toBe(401);
});

test("a ticket of the application opens one WebSocket, for who may enter", async () => {
  const [owner, stranger] = [await Browser.of("ann"), await Browser.of("eve")];
  const { meeting = "" } = (await owner.ask("POST", "/meetings")).body;
  expect((await stranger.ask("POST", `/meetings/${meeting}/ticket`)).status).toBe(403);
  const { body } = await owner.ask("POST", `/meetings/${meeting}/ticket`);
  const { room = "" } = (await owner.ask("GET", `/meetings/${meeting}/token`)).body;
  const shown = { query: `?ticket=${body.ticket}`, protocols: ["roomcast.v1"] };
  const socket = new WebSocket(`${runtime.url.replace("http", "ws")}/rooms/${room}/ws${shown.query}`, shown.protocols);
  await once(socket, "open");
  socket.close();
  expect(await refusalOf({ url: runtime.url, room }, shown)).toMatchObject({ status: 401 });
});

test("who is excluded is cut at once, the others stay and hear of it", async () => {
  const [owner, guest] = [await Browser.of("ann"), await Browser.of("bob")];
  const { meeting = "" } = (await owner.ask("POST", "/meetings")).body;
  await owner.ask("POST", `/meetings/${meeting}/guests`, { user: "bob" });
  await using ann = await owner.enter(meeting, "publish");
  await using bob = await guest.enter(meeting, "subscribe");
  await ann.told("presence");
  const excluded = await owner.ask("DELETE", `/meetings/${meeting}/guests`, { user: "bob" });
  expect(excluded).toMatchObject({ status: 200, body: { closed: 1 } });
  expect(await bob.ending()).toMatchObject({ code: 4507 });
  expect(await ann.told("message")).toMatchObject({ body: { left: "bob" } });
  expect((await guest.ask("GET", `/meetings/${meeting}/token`)).status).toBe(403);
  expect((await owner.ask("DELETE", `/meetings/${meeting}`)).status).toBe(200);
  expect(await ann.ending()).toMatchObject({ code: 4506 });
});

test("a refusal of Roomcast is an error with its code", async () => {
  const rooms = new Rooms(runtime.url, SECRET);
  await expect(rooms.token("never-created", "ann", ["subscribe"], 60)).rejects.toThrow(RoomsError);
  await expect(rooms.close("never-created")).rejects.toMatchObject({ status: 404, code: "room_not_found" });
  await expect(new Rooms(runtime.url, "x".repeat(40)).create({})).rejects.toMatchObject({ code: "unauthorized" });
});
