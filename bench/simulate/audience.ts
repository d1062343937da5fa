// The simulated subscribers: the object of each, the number of its moves, and its waiting times.

/** An object that serves subscribers, as the audience sees it. */
export interface Server {
  readonly members: number[];
}

/** Subscribers by number. A million of them are arrays of numbers. */
export class Audience {
  readonly home: Uint8Array;
  readonly moves: Uint8Array;
  /** Since when it wants to be connected, ms; NaN: it does not want to. */
  readonly wantedAt: Float64Array;
  readonly #server: (Server | undefined)[];
  readonly #slot: Int32Array;
  readonly #returning = new Set<number>();
  connected = 0;
  /** The number of subscribers that want to be connected and are not. */
  waiting = 0;
  /** Durations of joins, in hundredths of a second, and the longest. */
  readonly #waits = new Uint32Array(6001);

  constructor(size: number) {
    this.home = new Uint8Array(size);
    this.moves = new Uint8Array(size);
    this.wantedAt = new Float64Array(size).fill(Number.NaN);
    this.#server = new Array<Server | undefined>(size).fill(undefined);
    this.#slot = new Int32Array(size);
  }

  want(now: number, one: number): void {
    if (Number.isNaN(this.wantedAt[one])) this.waiting++;
    this.wantedAt[one] = now;
  }

  isWaiting(one: number): boolean {
    return !Number.isNaN(this.wantedAt[one]);
  }

  connect(now: number, one: number, server: Server): void {
    const waited = Math.round((now - (this.wantedAt[one] ?? now)) / 10);
    const bin = Math.min(this.#waits.length - 1, waited);
    this.#waits[bin] = (this.#waits[bin] ?? 0) + 1;
    this.wantedAt[one] = Number.NaN;
    this.waiting--;
    this.connected++;
    this.#server[one] = server;
    this.#slot[one] = server.members.length;
    server.members.push(one);
  }

  isAt(one: number, server: Server): boolean {
    return this.#server[one] === server;
  }

  /** It leaves its object. Returns false if it was at none. */
  disconnect(one: number): boolean {
    const server = this.#server[one];
    if (server === undefined) return false;
    const slot = this.#slot[one] ?? 0;
    const last = server.members.pop();
    if (last !== undefined && last !== one) {
      server.members[slot] = last;
      this.#slot[last] = slot;
    }
    this.#server[one] = undefined;
    this.connected--;
    return true;
  }

  /** It was sent away and is about to reconnect, unless it leaves meanwhile. */
  willReturn(one: number): void {
    this.#returning.add(one);
  }

  /** Returns true, once, when it has reconnected. */
  isReturning(one: number): boolean {
    return this.#returning.delete(one);
  }

  /** It no longer wants to be connected. */
  leave(one: number): void {
    this.#returning.delete(one);
    if (this.disconnect(one)) return;
    if (this.isWaiting(one)) this.waiting--;
    this.wantedAt[one] = Number.NaN;
  }

  /** The time within which this share of all joins was done, seconds. */
  waitSeconds(share: number): number {
    const total = this.#waits.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let bin = 0; bin < this.#waits.length; bin++) {
      seen += this.#waits[bin] ?? 0;
      if (seen >= share * total) return bin / 100;
    }
    return this.#waits.length / 100;
  }
}
