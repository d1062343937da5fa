// The reconnecting connection, against a scripted room.
import { describe, expect, test } from "vitest";
import { Connection } from "../../client/connection.ts";
import type { ConnectionUser, Token } from "../../client/connection-options.ts";
import { RefusedError } from "../../client/refused-error.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { PING_EVERY_BYTES, PING_EVERY_MS, PING_IDLE_MS } from "../../protocol/limits.ts";
import { FakeBrowser, FakeEnvironment, settle } from "./support/fake.ts";

/** Lets a number of upgrades fail. Returns the number of requests for the reason after each. */
async function askedIn(environment: FakeBrowser, upgrades: number): Promise<number[]> {
  const asked: number[] = [];
  for (let upgrade = 0; upgrade < upgrades; upgrade++) {
    await environment.redial();
    asked.push(environment.asked.length);
  }
  return asked;
}

class Recorder implements ConnectionUser {
  readonly log: string[] = [];
  refusal: RefusedError | undefined;
  connecting = () => void this.log.push("connecting");
  query = () => ({ role: "subscribe" });
  opened = () => void this.log.push("opened");
  control = (message: ServerMessage) => void this.log.push(message.type);
  binary = (message: Uint8Array) => void this.log.push(`${message.byteLength} bytes`);
  refused = (error: RefusedError) => {
    this.refusal = error;
  };
  lost = (name: string) => {
    this.log.push(`lost ${name}`);
    return undefined;
  };
}

function start<E extends FakeEnvironment = FakeEnvironment>(
  environment = new FakeEnvironment() as E,
  token: Token = "t0ken",
) {
  const user = new Recorder();
  const connection = new Connection({ url: "https://host/base/", room: "my room", token, environment }, user);
  connection.connect();
  return { environment, user, connection };
}

function startOpen(environment = new FakeEnvironment()) {
  const started = start(environment);
  environment.socket.open();
  return { ...started, socket: environment.socket };
}

describe("attempts", () => {
  test("W1 the token goes into a subprotocol, never into the URL", () => {
    const { environment } = start();
    expect(environment.socket.url.href).toBe("wss://host/base/rooms/my%20room/ws?role=subscribe");
    expect(environment.socket.protocols).toEqual(["roomcast.v1", "token.t0ken"]);
  });

  test("a token function is called for each attempt; when it fails, the attempt failed", async () => {
    let calls = 0;
    const { environment } = start(new FakeEnvironment(), async () => {
      calls++;
      if (calls === 2) throw new Error("no network");
      return `t${calls}`;
    });
    await settle();
    environment.socket.end();
    await environment.advance(500);
    expect(calls).toBe(2);
    await environment.advance(1000);
    expect(environment.dialed.map((socket) => socket.protocols[1])).toEqual(["token.t1", "token.t3"]);
  });

  test("a token function may refuse permanently", async () => {
    const { user, environment } = start(new FakeEnvironment(), () => Promise.reject(new RefusedError("signed_out")));
    await settle();
    expect(user.refusal?.code).toBe("signed_out");
    expect(environment.timers).toBe(0);
  });

  test("an attempt that hangs is given up after 10 s, wherever it hangs", async () => {
    const hanging = start(new FakeEnvironment(), () => new Promise(() => {}));
    await hanging.environment.advance(10_000 + 250);
    expect(hanging.user.log).toEqual(["connecting", "connecting"]);
    const { environment } = start();
    await environment.advance(10_000);
    expect(environment.socket.closedWith).toBe(1000);
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
  });

  test("a token that the platform does not take is refused without being quoted", () => {
    const environment = new FakeEnvironment();
    environment.dial = (_url, protocols) => {
      throw new SyntaxError(`bad subprotocol ${protocols}`);
    };
    const { user } = start(environment);
    expect(user.refusal?.code).toBe("token_malformed");
    expect(`${user.refusal?.stack} ${user.refusal?.cause}`).not.toContain("t0ken");
  });

  test("delays double until a connection was up for 10 s", async () => {
    const { environment } = start();
    for (const delay of [250, 500, 1000, 2000]) {
      environment.socket.end();
      const before = environment.dialed.length;
      await environment.advance(delay - 1);
      expect(environment.dialed).toHaveLength(before);
      await environment.advance(1);
      expect(environment.dialed).toHaveLength(before + 1);
    }
    const reopenFor = async (ms: number) => {
      environment.socket.open();
      environment.socket.deliver("pong");
      await environment.advance(ms);
      environment.socket.end();
    };
    await reopenFor(9999);
    await environment.advance(3999);
    expect(environment.dialed).toHaveLength(5);
    await environment.advance(1);
    await reopenFor(10_000);
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(7);
  });
});

describe("ends", () => {
  test.each([1002, 1003, 1007, 1009, 4500, 4509, 4999])("R2 %i is final", (code) => {
    const { environment, user, socket } = startOpen();
    socket.end(code, "some_name detail");
    expect(user.refusal?.code).toBe(code < 4000 ? `close_${code}` : "some_name");
    expect(environment.timers).toBe(0);
  });

  test.each([1000, 1001, 1005, 1006, 1011, 1012, 4000, 4499])("R2 %i comes back", async (code) => {
    const { environment, user, socket } = startOpen();
    socket.end(code, "");
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
    expect(user.refusal).toBeUndefined();
  });

  test("R2 not before the delay of the close text", async () => {
    const { environment, socket } = startOpen();
    socket.end(4000, "going_away retry=8000");
    await environment.advance(11_999);
    expect(environment.dialed).toHaveLength(1);
    await environment.advance(1);
    expect(environment.dialed).toHaveLength(2);
  });

  test("R2 within the room's spread, and a whole spread later after each failure", async () => {
    const { environment, connection, socket } = startOpen();
    connection.spreadOver(9999);
    connection.spreadOver(6000);
    socket.end();
    for (const delay of [3000, 6000 + 500, 6000 + 1000]) {
      const before = environment.dialed.length;
      await environment.advance(delay - 1);
      expect(environment.dialed).toHaveLength(before);
      await environment.advance(1);
      expect(environment.dialed).toHaveLength(before + 1);
      environment.socket.end();
    }
  });

  test("R1 without a text the name is that of the code", () => {
    const { user, socket } = startOpen();
    socket.end(4507);
    expect(user.refusal?.code).toBe("revoked");
  });

  test("C1 a room that breaks the protocol loses the connection, unknown types are ignored", async () => {
    const { environment, user, socket } = startOpen();
    socket.deliver('{"type":"news"}');
    socket.deliver("{");
    expect(user.log).toEqual(["connecting", "opened", "lost close_1006"]);
    expect(socket.closedWith).toBe(1000);
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
  });

  test("nothing is left after close", async () => {
    const { environment, user, connection, socket } = startOpen();
    connection.close();
    expect(socket.closedWith).toBe(1000);
    expect(environment.timers).toBe(0);
    socket.deliver(new Uint8Array(4));
    socket.end();
    await environment.advance(60_000);
    expect(user.log).toEqual(["connecting", "opened"]);
    const waiting = start();
    waiting.environment.socket.end();
    waiting.connection.close();
    expect(waiting.environment.timers).toBe(0);
  });
});

describe("refusals before the upgrade", () => {
  test.each([400, 401, 403, 404, 409, 410])("W1 %i is final where the answer can be read", (status) => {
    const { environment, user } = start();
    environment.socket.refuse({ status, code: "some_code" });
    expect(user.refusal).toMatchObject({ code: "some_code", status });
    expect(environment.timers).toBe(0);
  });

  test.each([429, 500, 503, 302])("W1 %i is tried again", async (status) => {
    const { environment, user } = start();
    environment.socket.refuse({ status, code: "busy" });
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
    expect(user.refusal).toBeUndefined();
  });

  test.each([401, 403, 404, 410])("W1 in a browser the room's description tells: %i is final", async (status) => {
    const environment = new FakeBrowser();
    environment.answer = { status, body: { code: "room_not_found" } };
    const { user } = start(environment);
    environment.socket.end();
    await settle();
    expect(environment.asked).toEqual([
      { url: "https://host/base/api/rooms/my%20room", headers: { authorization: "Bearer t0ken" } },
    ]);
    expect(user.refusal).toMatchObject({ code: "room_not_found", status });
  });

  test.each([200, 409, 500, undefined])(
    "R2 in a browser: %s is tried again, asking only now and then",
    async (status) => {
      const environment = new FakeBrowser();
      environment.answer = status === undefined ? undefined : { status, body: "no problem document" };
      const { user } = start(environment);
      expect(await askedIn(environment, 8)).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
      expect(user.refusal).toBeUndefined();
    },
  );

  test("R2 in a browser: a token that was good is not asked about, until upgrades keep failing", async () => {
    const environment = new FakeBrowser();
    const { user } = startOpen(environment);
    await environment.redial();
    expect(await askedIn(environment, 5)).toEqual([0, 0, 0, 0, 0]);
    environment.socket.open();
    await environment.redial();
    expect(await askedIn(environment, 5)).toEqual([0, 0, 0, 0, 0]);
    environment.answer = { status: 410, body: { code: "room_closed" } };
    environment.socket.end();
    await settle();
    expect(user.refusal).toMatchObject({ code: "room_closed", status: 410 });
  });

  test.each([
    ["a text", "t0ken", 1],
    ["a token that a function fetched", async () => "t0ken", 0],
  ])("R2 in a browser: a token that expired is asked about if it was %s", async (_, token: Token, asked) => {
    const environment = new FakeBrowser();
    start(environment, token);
    await settle();
    environment.socket.open();
    environment.socket.end(4002, "token_expired");
    await environment.advance(250);
    environment.socket.end();
    await settle();
    expect(environment.asked).toHaveLength(asked);
  });

  test("R2 Retry-After is waited for: as the upgrade's answer says, in a browser as the second request's does", async () => {
    const node = start();
    node.environment.socket.refuse({ status: 503, code: "room_unavailable", retryAfterMs: 3000 });
    const browser = start(new FakeBrowser());
    browser.environment.answer = { status: 503, body: {}, retryAfter: "3" };
    browser.environment.socket.end();
    for (const { environment, user } of [node, browser]) {
      await environment.advance(4499);
      expect(environment.dialed).toHaveLength(1);
      await environment.advance(1);
      expect(environment.dialed).toHaveLength(2);
      expect(user.refusal).toBeUndefined();
    }
  });

  test("R2 a platform that tells refusals is not asked, though it has HTTP", async () => {
    const environment = Object.assign(new FakeBrowser(), { tellsRefusals: true });
    start(environment);
    expect(await askedIn(environment, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  test("an unknown code does not get through", async () => {
    const environment = new FakeBrowser();
    environment.answer = { status: 403, body: { code: "<b>token</b>" } };
    const { user } = start(environment);
    environment.socket.end();
    await settle();
    expect(user.refusal?.code).toBe("http_403");
  });
});

describe("pings", () => {
  test("C2 while it receives, a ping goes PING_EVERY_MS after the pong of the one before, never two at once", async () => {
    const { environment, socket } = startOpen();
    expect(socket.pings).toBe(1);
    socket.deliver(new Uint8Array(4));
    await environment.advance(5000);
    expect(socket.pings).toBe(1);
    socket.deliver("pong");
    await environment.advance(PING_EVERY_MS - 1);
    expect(socket.pings).toBe(1);
    await environment.advance(1);
    expect(socket.pings).toBe(2);
  });

  test("C2 once all that it received is confirmed, PING_IDLE_MS after the pong", async () => {
    const { environment, socket } = startOpen();
    const pong = async (ms: number) => {
      const before = socket.pings;
      socket.deliver("pong");
      await environment.advance(ms - 1);
      expect(socket.pings).toBe(before);
      await environment.advance(1);
      expect(socket.pings).toBe(before + 1);
    };
    await pong(PING_IDLE_MS);
    await pong(PING_IDLE_MS);
    socket.deliver(new Uint8Array(4));
    await pong(PING_EVERY_MS);
    await pong(PING_IDLE_MS);
    socket.deliver("pong");
    await environment.advance(PING_EVERY_MS / 2);
    socket.deliver(new Uint8Array(4));
    await environment.advance(PING_EVERY_MS / 2);
    // The pong of this ping does not confirm data that came after the previous pong, so one more ping is due.
    await pong(PING_EVERY_MS);
    await pong(PING_IDLE_MS);
  });

  test("C2 at rest it pings as soon as something comes, and once more to have it confirmed", async () => {
    const { environment, socket } = startOpen();
    socket.deliver("pong");
    await environment.advance(PING_EVERY_MS);
    expect(socket.pings).toBe(1);
    socket.deliver(new Uint8Array(4));
    expect(socket.pings).toBe(2);
    socket.deliver("pong");
    await environment.advance(PING_EVERY_MS);
    expect(socket.pings).toBe(3);
    socket.deliver("pong");
    await environment.advance(PING_IDLE_MS - 1);
    expect(socket.pings).toBe(3);
  });

  test("C2 or as soon as PING_EVERY_BYTES were received since that pong", () => {
    const { socket } = startOpen();
    socket.deliver(new Uint8Array(PING_EVERY_BYTES));
    expect(socket.pings).toBe(1);
    socket.deliver("pong");
    socket.deliver(new Uint8Array(PING_EVERY_BYTES - 1));
    expect(socket.pings).toBe(1);
    socket.deliver(new Uint8Array(1));
    expect(socket.pings).toBe(2);
    socket.deliver(new Uint8Array(PING_EVERY_BYTES));
    expect(socket.pings).toBe(2);
  });

  test("C2 no ping while the consumer is congested; one at once when it continues", async () => {
    const { environment, socket, connection } = startOpen();
    socket.deliver("pong");
    connection.hold();
    expect(socket.paused).toBe(true);
    socket.deliver(new Uint8Array(PING_EVERY_BYTES));
    await environment.advance(60_000);
    expect(socket.pings).toBe(1);
    connection.release();
    expect(socket.paused).toBe(false);
    expect(socket.pings).toBe(2);
  });

  test("C2 congestion lasts beyond the connection", async () => {
    const { environment, socket, connection } = startOpen();
    connection.hold();
    socket.end();
    await environment.advance(250);
    environment.socket.open();
    expect(environment.socket).toMatchObject({ paused: true, pings: 0 });
    connection.release();
    expect(environment.socket).toMatchObject({ paused: false, pings: 1 });
  });

  test("a connection without a pong for 20 s is dead", async () => {
    const { environment, user, socket } = startOpen();
    await environment.advance(19_999);
    expect(user.log).toEqual(["connecting", "opened"]);
    await environment.advance(1);
    expect(user.log).toEqual(["connecting", "opened", "lost close_1006"]);
    expect(socket.closedWith).toBe(1000);
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
  });

  test("it is not, where other things arrive, or reading is paused", async () => {
    const { environment, user, socket, connection } = startOpen();
    for (let second = 0; second < 100; second += 10) {
      socket.deliver(new Uint8Array(4));
      await environment.advance(10_000);
    }
    connection.hold();
    await environment.advance(100_000);
    connection.release();
    await environment.advance(19_999);
    expect(user.log).not.toContain("lost close_1006");
    await environment.advance(1);
    expect(user.log).toContain("lost close_1006");
  });
});
