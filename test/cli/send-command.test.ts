// `send`, in-process, against bridges that misbehave.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import { send } from "../../cli/send-command.ts";

/** Sends "abc" to a bridge that answers the preamble with `answer`. */
async function sendTo(answer: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
    socket.resume();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  const preamble = { room: "demo", token: "a.b.c", track: "main", framing: undefined };
  await send(Readable.from([Buffer.from("abc")]), socket, preamble);
}

test.each([
  ["closes before its OK", "", "the bridge closed the connection early"],
  ["closes after its OK", "OK connection=c1\n", "the bridge closed the connection early"],
  ["confirms less", "OK connection=c1\nEND bytes=1\n", 'sent 3 bytes, but the bridge confirmed "END bytes=1"'],
  ["refuses later", "OK connection=c1\nERROR taken_over bye\n", "ERROR taken_over bye"],
  ["is none", "x".repeat(9000), "the answer is too long: this is not a Roomcast bridge"],
])("fails where the bridge %s", async (_name, answer, message) => {
  await expect(sendTo((socket) => socket.end(answer))).rejects.toThrow(message);
});

test("is content where the bridge confirms all", async () => {
  await expect(sendTo((socket) => socket.end("OK connection=c1\nEND bytes=3\n"))).resolves.toBeUndefined();
});
