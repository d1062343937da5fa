// Roomcast as the suite sees it: plain subscribers, and publishers that number their frames.
import type { Runtime } from "../../../cli/runtime.ts";
import { encodeMessage, Flag, FrameType } from "../../../protocol/frame.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../../../protocol/limits.ts";
import { createRoom, SECRET, startTestRuntime, tokenWith } from "../../support/local-room.ts";
import type { CredentialOptions, Relay } from "./relay.ts";
import { SocketPeer } from "./socket-peer.ts";

/** A publisher of track `main`. */
class FramePublisher extends SocketPeer {
  #accepted: ((accepted: boolean) => void) | undefined;
  #track = 0;
  #sequence = 0;

  override send(payload: Buffer, key = false): void {
    const header = { type: FrameType.frame, flags: key ? Flag.key : 0, track: this.#track, timestamp: Date.now() };
    this.socket.send(encodeMessage([{ ...header, sequence: this.#sequence++, payload }]));
  }

  protected override said(text: string): void {
    const message = JSON.parse(text);
    if (message.type !== "publish") return;
    this.#track = message.track;
    this.#sequence = message.sequence;
    this.#accepted?.(true);
  }

  protected override isReady(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#accepted = resolve;
      this.socket.on("error", () => resolve(false));
      this.socket.on("close", () => resolve(false));
    });
  }
}

/** Starts a Worker, and creates rooms as the suite needs them. */
export async function startRoomcast(): Promise<Relay> {
  const runtime: Runtime = await startTestRuntime();
  const admin = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${SECRET}` };
    const response = await fetch(`${runtime.url}/api/rooms/${path}`, {
      method,
      headers,
      body: body ? JSON.stringify(body) : null,
    });
    if (!response.ok) throw new Error(await response.text());
  };
  return {
    createRoom: async () => (await createRoom(runtime.url)).room,
    credential,
    async join(room, role, token, inUrl = false) {
      const framed = role === "publish";
      const query = new URLSearchParams({ role, ...(inUrl && token !== undefined && { token }) });
      const headers: Record<string, string> = token === undefined || inUrl ? {} : { authorization: `Bearer ${token}` };
      const Kind = framed ? FramePublisher : SocketPeer;
      return Kind.open(
        `${runtime.url.replace("http", "ws")}/rooms/${room}/ws?${query}`,
        framed ? ["roomcast.v1"] : [],
        headers,
      );
    },
    revoke: (room, subject) => admin("POST", `${room}/revocations`, { subject }),
    closeRoom: (room) => admin("DELETE", room),
    close: () => runtime.close(),
  };
}

function credential({ room, can, subject, secondsLeft = 3600, forged }: CredentialOptions): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const exp = now + secondsLeft - CLOCK_TOLERANCE_SECONDS;
  const claims = { room, can: [...can], iat: now - 120, exp, ...(subject !== undefined && { sub: subject }) };
  return tokenWith(claims, forged ? "somebody-elses-secret-somebody-elses" : SECRET);
}
