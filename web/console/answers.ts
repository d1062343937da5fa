// The answers of the operators' API, as far as the console shows them. See GET /api/openapi.json.

export interface RoomInList {
  readonly room: string;
  readonly title: string;
  readonly state: "open" | "closed" | "expired";
  readonly seenAt: number;
  readonly subscribers: number;
  readonly publishers: number;
  readonly sources: readonly { readonly track: string; readonly online: boolean; readonly format: string | null }[];
  readonly relays: number;
  readonly bytesPerSecondIn: number;
  readonly cost: { readonly total: number; readonly perHour: number };
}

export interface Rooms {
  readonly rooms: readonly RoomInList[];
  readonly next: string | null;
}

export interface Sample {
  readonly minute: number;
  readonly subscribers: number;
  readonly bytesPerSecondIn: number;
}

export interface Delivery {
  readonly id: string;
  readonly at: number;
  readonly room: string;
  readonly type: string;
  readonly url: string;
  readonly status: "waiting" | "delivered" | "dead";
  readonly attempts: number;
  readonly answer: string | null;
}

export interface Relay {
  readonly id: string;
  readonly parent: string;
  readonly subscribers: number;
  readonly sendsPerSecond: number;
  readonly state: string;
}

export type Setting = string | number | boolean | null | readonly string[];

export interface RoomDetail {
  readonly room: string;
  readonly createdAt: number;
  readonly subscribers: number;
  readonly publishers: number;
  readonly counters: { readonly framesReceived: number; readonly bytesReceived: number };
  readonly tracks: readonly {
    readonly name: string;
    readonly format: string | null;
    readonly source: "online" | "offline";
    readonly historyBytes: number;
    readonly next: number | null;
  }[];
  readonly origin: { readonly subscribers: number; readonly sendsPerSecond: number };
  readonly relays: readonly Relay[];
  readonly settings: Readonly<Record<string, Setting>>;
  readonly cost?: {
    readonly total: number;
    readonly perHour: number;
    readonly prices: string;
    readonly parts: Readonly<Record<string, number>>;
    readonly usage: Readonly<Record<string, number>>;
  };
}

export interface ConnectionInList {
  readonly at: string;
  readonly connection: string;
  readonly role: "publish" | "subscribe";
  readonly subject: string | null;
  readonly label: string | null;
  readonly track?: string;
  readonly framesReceived?: number;
  readonly bytesReceived?: number;
  readonly framesSent?: number;
  readonly bytesSent?: number;
  readonly gaps?: number;
  readonly framesBehind?: number;
  readonly bytesInFlight?: number;
  readonly state?: string;
}
