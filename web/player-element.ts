// <roomcast-player>: plays a track of a room in any page.
import type {
  DeliveryEvent,
  GapEvent,
  Json,
  MessageEvent,
  PresenceEvent,
  SourceEvent,
  SubscriberEvent,
} from "../client/index.ts";
import { isRoomId } from "../protocol/names.ts";
import type { Credential } from "./credential.ts";
import { commandOf } from "./keys.ts";
import { playerStyle } from "./player-style.ts";
import type { Latency } from "./players/playback.ts";
import type { Room, State } from "./room-page.ts";
import { type Address, type Past, Session } from "./session.ts";
import { Stage } from "./stage.ts";
import { Timeline } from "./timeline.ts";

const RENDER_EVERY_MS = 250;
/** Events of the client library that the element dispatches under the same names. */
const TOLD: readonly string[] = ["gap", "source", "message", "presence", "delivery"];

/** The detail of `statechange`. `code` is the stable code of a refusal. */
export interface StateDetail {
  readonly state: State;
  readonly code: string | undefined;
}

/** The events of the element by their types: each is a `CustomEvent` with this detail. */
export interface RoomcastPlayerEventMap {
  readonly statechange: CustomEvent<StateDetail>;
  readonly gap: CustomEvent<GapEvent>;
  readonly source: CustomEvent<SourceEvent>;
  readonly message: CustomEvent<MessageEvent>;
  readonly presence: CustomEvent<PresenceEvent>;
  readonly delivery: CustomEvent<DeliveryEvent>;
}

/** The data for the Worker's own page. `gaps`, and the frames that they `skipped`. */
export interface View {
  readonly room: Room;
  readonly state: State;
  /** Undefined while the stream is not live. */
  readonly latency: Latency | undefined;
  readonly gaps: number;
  readonly skipped: number;
  /** The id of the connection, as other members see it. */
  readonly connectionId: string | undefined;
}

/** The module can also be loaded without a page (by a server that renders one). */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/**
 * Attributes: `src` (the http(s) base of the Worker; default: the server that the file came from), `room`, `token` or
 * `ticket-url` (a POST to it returns `{"ticket"}`; neither: the room is public), `track` (default: `main`, or the first
 * track), `label` (the viewer's label in the presence of the room), `muted` ("false": with sound if the browser allows
 * it). Events: `gap`, `source`, `message`, `presence` and `delivery` as in the client library, `statechange`
 * (`StateDetail`), and `update` a few times a second. While it has the focus: space pauses, M mutes, F fills the
 * screen, arrows change volume and track.
 */
export class RoomcastPlayer extends Base {
  /** Attributes whose changes apply at once. */
  static readonly observedAttributes = ["src", "room", "token", "ticket-url", "track", "label"];
  #session: Session | undefined;
  #stage: Stage | undefined;
  #timeline: Timeline | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #state: State | undefined;
  /** A start is due: several attributes that change together cause only one. */
  #isDue = false;

  /** Also called by `document.createElement("roomcast-player")`. */
  constructor() {
    super();
    this.addEventListener("keydown", (event) => this.press(event));
  }

  /** Called by the browser. */
  connectedCallback(): void {
    this.#startSoon();
  }

  /** Called by the browser. */
  disconnectedCallback(): void {
    this.#stop();
  }

  /** Called by the browser. */
  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name !== "track") this.#startSoon();
    else this.#choose();
  }

  /**
   * What there is to show; undefined: it has no room.
   * @internal
   */
  get view(): View | undefined {
    const [session, stage] = [this.#session, this.#stage];
    if (session === undefined || stage === undefined) return undefined;
    const now = Date.now();
    const { gaps, skipped } = session.stats;
    const state = this.#stateOf(session, stage, now);
    const latency = state === "live" ? stage.latency(now) : undefined;
    return { room: session.room, state, latency, gaps, skipped, connectionId: session.connectionId };
  }

  /** Sends a message to everybody in the room, like `Subscriber.send` of the client library. */
  send(body: Json): number | undefined {
    return this.#session?.send(body);
  }

  /**
   * Executes the key's command, if the key belongs to the player. A page may pass on keys that were pressed elsewhere.
   */
  press(event: KeyboardEvent): void {
    const command = commandOf(event);
    if (command === undefined || this.#stage === undefined) return;
    event.preventDefault();
    if (command.does === "track") this.#step(command.by);
    else this.#stage.press(command);
    this.#render();
  }

  #startSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#stop();
      if (this.isConnected) this.#start();
    });
  }

  #start(): void {
    const room = this.getAttribute("room") ?? "";
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [playerStyle()];
    root.replaceChildren();
    if (!isRoomId(room)) return;
    const address = { url: this.#url, room, credential: this.#credential, label: this.getAttribute("label") ?? "" };
    this.#stage = new Stage(root, this.getAttribute("muted") !== "false");
    this.#timeline = new Timeline(address, (seconds) => this.#seek(address, seconds));
    root.append(this.#timeline.element);
    this.#seek(address, undefined);
    this.#timer = setInterval(() => this.#render(), RENDER_EVERY_MS);
    this.#render();
  }

  /** Plays from this number of seconds ago; undefined: live. */
  #seek(address: Address, past: Past): void {
    this.#session?.close();
    const session: Session = new Session(address, past, (event) => {
      if (this.#session === session) this.#take(event);
    });
    this.#session = session;
    this.#stage?.select(undefined);
    this.#choose();
  }

  /** The past is not live, however well it plays. */
  #stateOf(session: Session, stage: Stage, now: number): State {
    const state = stage.state(session.room, now);
    return state === "live" && session.behind(now) !== undefined ? "past" : state;
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#session?.close();
    this.#stage?.close();
    this.#timeline?.close();
    this.#timeline = undefined;
    this.#session = this.#stage = this.#state = undefined;
  }

  get #url(): string {
    return new URL(this.getAttribute("src") ?? new URL(import.meta.url).origin, document.baseURI).href;
  }

  get #credential(): Credential {
    const [token, url] = [this.getAttribute("token"), this.getAttribute("ticket-url")];
    if (token) return { by: "token", token };
    return url ? { by: "url", url: new URL(url, document.baseURI).href } : { by: "none" };
  }

  #choose(): void {
    const session = this.#session;
    if (session === undefined) return;
    session.room.choose(this.getAttribute("track") ?? undefined);
    this.#stage?.select(session.room.selected);
    this.#render();
  }

  /** Selects the next track, or the previous one. */
  #step(by: 1 | -1): void {
    const names = [...(this.#session?.room.tracks.keys() ?? [])];
    const at = names.indexOf(this.#session?.room.selected?.name ?? "");
    const next = names.at((at + by) % names.length);
    if (next !== undefined && names.length > 1) this.setAttribute("track", next);
  }

  #take(event: SubscriberEvent | undefined): void {
    const { room } = this.#session ?? {};
    if (room === undefined) return;
    this.#stage?.select(room.selected);
    if (event === undefined) this.#render();
    else if ("track" in event && event.track === room.selected?.name) this.#stage?.take(event);
    if (event !== undefined && TOLD.includes(event.type)) this.#tell(event.type, event);
  }

  #render(): void {
    const [session, stage] = [this.#session, this.#stage];
    if (session === undefined || stage === undefined) return;
    const now = Date.now();
    const state = this.#stateOf(session, stage, now);
    stage.render(session.room, now, state);
    this.#timeline?.render(session.room.selected?.name, session.behind(now), now);
    const { connection } = session.room;
    if (state !== this.#state) {
      this.#state = state;
      this.#tell("statechange", {
        state,
        code: connection.is === "refused" ? connection.code : undefined,
      } satisfies StateDetail);
    }
    this.#tell("update", undefined);
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
