// A recorder's reports to its room: whether it records, whether the bucket fails, its data and its usage. The rate is
// limited.
import type { RecordingStatus } from "./recorder-state.ts";
import type { RecordingShell } from "./recording.ts";
import type { RecordingRows } from "./recording-rows.ts";
import type { RetentionShell } from "./retention.ts";
import { Retry } from "./retry.ts";

/** The billed usage since the last report. */
export interface RecorderUse {
  readonly storageWrites: number;
  readonly rowsWritten: number;
}

/** Times are ms since 1970. */
export interface RecorderReport extends RecordingStatus {
  /** The stored data. */
  readonly bytes: number;
  /** When its oldest data was received; null: it is empty. */
  readonly from: number | null;
  readonly used: RecorderUse;
}

/** After a failure, the bucket counts as failing for this time: repeated failures in it are one event. */
const FAILING_MS = 300_000;

/** Growing data and usage are reported at this interval, and when everything is stored. */
const REPORT_MS = 60_000;

const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

const NOTHING: RecorderUse = { storageWrites: 0, rowsWritten: 0 };

/** The current state of a recorder. `isSettled`: everything is stored. */
export interface Standing extends Pick<RecordingStatus, "isRecording"> {
  readonly isSettled: boolean;
}

/** Its actions outside the core. None of them throws. */
export interface ReporterShell {
  /** Reports to the room; `reported` of the recorder or `notTaken` follows. */
  report(report: RecorderReport): void;
  /** At least 0 and below 1. */
  random(): number;
}

/** The same shell, with a count of the billed usage. */
export function counted<T extends Pick<RecordingShell, "store"> & Pick<RetentionShell, "list">>(
  shell: T,
  reporter: () => Reporter,
): T {
  return {
    ...shell,
    store: (order) => {
      reporter().uses(order.init === undefined ? 1 : 2, 0);
      shell.store(order);
    },
    list: (cursor) => {
      reporter().uses(1, 0);
      shell.list(cursor);
    },
  };
}

/** Makes sure that the room gets the reports. Times are ms since 1970. */
export class Reporter {
  readonly #kept: Pick<RecordingRows, "bytes" | "firstAt">;
  readonly #shell: ReporterShell;
  readonly #retry = new Retry(RETRY_MS, MAX_RETRY_MS);
  #told: RecordingStatus;
  /** The number of stored bytes that the room knows; undefined: unknown. */
  #toldBytes: number | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** When the bucket last failed; undefined: it does not fail. */
  #failedAt: number | undefined;
  #used = NOTHING;
  #sent: RecorderReport | undefined;

  /** `told`: the last report that the room got. */
  constructor(told: RecordingStatus, kept: Pick<RecordingRows, "bytes" | "firstAt">, shell: ReporterShell) {
    this.#told = told;
    this.#kept = kept;
    this.#toldBytes = kept.bytes;
    this.#shell = shell;
  }

  /** The object is in memory again; `wasKilled`: its last usage and data may be unreported. */
  restore(now: number, wasKilled: boolean): void {
    if (this.#told.isFailing) this.#failedAt = now;
    if (wasKilled) this.#toldBytes = undefined;
  }

  failed(now: number): void {
    this.#failedAt = now;
  }

  uses(storageWrites: number, rowsWritten: number): void {
    this.#used = sum(this.#used, { storageWrites, rowsWritten });
  }

  /** When a report is due; undefined: there is nothing to report, or a report is on its way. */
  dueAt(standing: Standing): number | undefined {
    if (this.#sent !== undefined) return undefined;
    const again = this.#retry.at ?? 0;
    const { isRecording, isFailing } = this.#status(standing);
    if (isRecording !== this.#told.isRecording || isFailing !== this.#told.isFailing) return again;
    if (this.#kept.bytes === this.#toldBytes && this.#used.storageWrites === 0) return undefined;
    return standing.isSettled ? again : Math.max(again, this.#toldAt + REPORT_MS);
  }

  /** Sends the report that is due. */
  send(now: number, standing: Standing): void {
    if (this.#failedAt !== undefined && now - this.#failedAt >= FAILING_MS) this.#failedAt = undefined;
    if ((this.dueAt(standing) ?? Number.POSITIVE_INFINITY) > now) return;
    const { bytes, firstAt: from = null } = this.#kept;
    this.#sent = { ...this.#status(standing), bytes, from, used: this.#used };
    this.#used = NOTHING;
    this.#toldAt = now;
    this.#shell.report(this.#sent);
  }

  /** The room has the report. Returns the reported state if it is new. */
  taken(): RecordingStatus | undefined {
    if (this.#sent === undefined) return undefined;
    const { isRecording, isFailing, bytes } = this.#sent;
    const isNews = isRecording !== this.#told.isRecording || isFailing !== this.#told.isFailing;
    this.#told = { isRecording, isFailing };
    this.#toldBytes = bytes;
    this.#sent = undefined;
    this.#retry.succeeded();
    return isNews ? this.#told : undefined;
  }

  /** The room did not answer. */
  notTaken(now: number): void {
    if (this.#sent !== undefined) this.#used = sum(this.#used, this.#sent.used);
    this.#sent = undefined;
    this.#retry.failed(now, this.#shell.random());
  }

  #status({ isRecording }: Standing): RecordingStatus {
    return { isRecording, isFailing: isRecording && this.#failedAt !== undefined };
  }
}

function sum(one: RecorderUse, other: RecorderUse): RecorderUse {
  return {
    storageWrites: one.storageWrites + other.storageWrites,
    rowsWritten: one.rowsWritten + other.rowsWritten,
  };
}
