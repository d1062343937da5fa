// The requirements for a relay with untrusted clients. A case throws if the relay does not meet it.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Peer, Relay } from "./support/relay.ts";

/** One property. `about`: delivery, which a relay without access control also provides, or access control. */
export interface Case {
  readonly name: string;
  readonly about: "delivery" | "joining" | "access";
  run(relay: Relay): Promise<void>;
}

/** The time limit for any action of a relay. */
const LIMIT_MS = 8000;

/** A room with a publisher and a subscriber that got its first bytes. */
async function room(relay: Relay) {
  const name = await relay.createRoom();
  const give = (can: "subscribe" | "publish", more = {}) => relay.credential({ room: name, can: [can], ...more });
  const publisher = present(await relay.join(name, "publish", await give("publish")));
  const subscriber = present(await relay.join(name, "subscribe", await give("subscribe")));
  const first = randomBytes(500);
  publisher.send(first, true);
  await until("the first bytes", () => subscriber.received.equals(first));
  return { name, give, publisher, subscriber, first };
}

function present(peer: Peer | undefined): Peer {
  if (peer === undefined) throw new Error("a client with a valid credential was refused");
  return peer;
}

async function until(what: string, probe: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!probe()) {
    if (performance.now() > deadline) throw new Error(`not seen: ${what}`);
    await sleep(10);
  }
}

function demand(what: string, holds: boolean): void {
  if (!holds) throw new Error(what);
}

/** The room delivers the publisher's data, and nothing else has arrived meanwhile. */
async function undisturbed({ publisher, subscriber, first }: Awaited<ReturnType<typeof room>>): Promise<void> {
  const last = randomBytes(100);
  publisher.send(last, true);
  await until("the next bytes", () => subscriber.received.byteLength >= first.byteLength + last.byteLength);
  demand("bytes that the publisher did not send", subscriber.received.equals(Buffer.concat([first, last])));
}

/** A client with this credential is refused, and none of its data arrives. */
async function refused(
  relay: Relay,
  role: "subscribe" | "publish",
  come: (at: Awaited<ReturnType<typeof room>>) => Promise<Peer | undefined>,
) {
  const at = await room(relay);
  const stranger = await come(at);
  if (stranger !== undefined && role === "publish") stranger.send(randomBytes(50), true);
  await undisturbed(at);
  demand("it was let in", stranger === undefined);
}

/** A refusal of both roles. */
function refusal(
  name: string,
  credential: (relay: Relay, room: string, role: "subscribe" | "publish") => Promise<string | undefined>,
): Case[] {
  return (["subscribe", "publish"] as const).map((role) => ({
    name: `${name} is refused: ${role}`,
    about: "access",
    run: (relay) =>
      refused(relay, role, async (at) => relay.join(at.name, role, await credential(relay, at.name, role))),
  }));
}

export const CASES: readonly Case[] = [
  {
    name: "every byte reaches every subscriber, in order",
    about: "delivery",
    async run(relay) {
      const at = await room(relay);
      const others = [1, 2, 3].map(async () =>
        present(await relay.join(at.name, "subscribe", await at.give("subscribe"))),
      );
      const peers = await Promise.all(others);
      const sent = Array.from({ length: 50 }, () => randomBytes(1000));
      for (const payload of sent) at.publisher.send(payload, true);
      const all = Buffer.concat(sent);
      for (const peer of [at.subscriber, ...peers]) {
        await until(
          "all bytes",
          () => peer.received.byteLength >= all.byteLength && peer.received.subarray(-all.byteLength).equals(all),
        );
      }
    },
  },
  {
    name: "two rooms are apart",
    about: "delivery",
    async run(relay) {
      const [one, other] = [await room(relay), await room(relay)];
      await undisturbed(one);
      await undisturbed(other);
    },
  },
  {
    name: "a late subscriber gets the newest group at once",
    about: "joining",
    async run(relay) {
      const at = await room(relay);
      const group = [randomBytes(300), randomBytes(300)];
      for (const [index, payload] of group.entries()) at.publisher.send(payload, index === 0);
      await until("the group", () => at.subscriber.received.byteLength === 1100);
      const late = present(await relay.join(at.name, "subscribe", await at.give("subscribe")));
      await until("the group at the late subscriber", () => late.received.equals(Buffer.concat(group)));
    },
  },
  ...refusal("no credential", async () => undefined),
  ...refusal("a text that is not a credential", async () => "let-me-in"),
  ...refusal("a forged credential", (relay, name, role) => relay.credential({ room: name, can: [role], forged: true })),
  ...refusal("an expired credential", (relay, name, role) =>
    relay.credential({ room: name, can: [role], secondsLeft: -60 }),
  ),
  ...refusal("the credential of another room", (relay, _, role) => relay.credential({ room: "another", can: [role] })),
  ...refusal("the credential for the other role", (relay, name, role) =>
    relay.credential({ room: name, can: [role === "publish" ? "subscribe" : "publish"] }),
  ),
  {
    name: "a credential in the URL is refused, because URLs are logged",
    about: "access",
    run: (relay) =>
      refused(relay, "subscribe", async (at) => relay.join(at.name, "subscribe", await at.give("subscribe"), true)),
  },
  {
    name: "a room that was never created admits nobody",
    about: "access",
    async run(relay) {
      const credential = await relay.credential({ room: "never-created", can: ["subscribe"] });
      demand("it was let in", (await relay.join("never-created", "subscribe", credential)) === undefined);
    },
  },
  {
    name: "a subscriber that sends is cut, and nobody gets its bytes",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      const rude = present(await relay.join(at.name, "subscribe", await at.give("subscribe")));
      rude.sendRaw(randomBytes(50));
      await until("its end", () => !rude.isOpen);
      await undisturbed(at);
    },
  },
  {
    name: "a publisher that breaks the format is cut, and nobody gets its bytes",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      at.publisher.sendRaw(Buffer.concat([Buffer.from([9]), randomBytes(200)]));
      await until("its end", () => !at.publisher.isOpen);
      demand("bytes that are not a frame", at.subscriber.received.equals(at.first));
    },
  },
  {
    name: "a message of 8 MiB is not passed on",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      at.publisher.sendRaw(Buffer.alloc(8 * 1024 * 1024));
      await until("its end", () => !at.publisher.isOpen);
      demand("it was passed on", at.subscriber.received.equals(at.first));
    },
  },
  {
    name: "access ends with the credential, for that connection alone",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      const guest = present(await relay.join(at.name, "subscribe", await at.give("subscribe", { secondsLeft: 4 })));
      await until("its end", () => !guest.isOpen);
      await undisturbed(at);
    },
  },
  {
    name: "a revoked credential ends its connections at once, and opens no new one",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      const credential = await at.give("subscribe", { subject: "mallory" });
      const guest = present(await relay.join(at.name, "subscribe", credential));
      await relay.revoke(at.name, "mallory");
      await until("its end", () => !guest.isOpen);
      demand("it was let in again", (await relay.join(at.name, "subscribe", credential)) === undefined);
      await undisturbed(at);
    },
  },
  {
    name: "a room that is closed stays closed",
    about: "access",
    async run(relay) {
      const at = await room(relay);
      await relay.closeRoom(at.name);
      await until("the end of both", () => !at.publisher.isOpen && !at.subscriber.isOpen);
      demand("it is open", (await relay.join(at.name, "subscribe", await at.give("subscribe"))) === undefined);
    },
  },
];
