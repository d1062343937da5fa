// Memory: the growth of a room under load from outside. An object has 128 MB.
import { Growth } from "./load/growth.ts";
import { cellsOf } from "./memory/cells.ts";
import type { Found, Row } from "./memory/row.ts";
import { ROWS } from "./memory/rows.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { residentBytes } from "./targets/process.ts";
import { startRoomcast } from "./targets/roomcast.ts";

const MIB = 1024 * 1024;
/** The limit of a room's growth. */
const BOUND_BYTES = 96 * MIB;

/** The rows to measure; `kinds` undefined: all. `against`: another build, measured next to this one. */
export interface MemoryChoice {
  readonly kinds: readonly string[] | undefined;
  readonly subscribers: readonly number[];
  readonly frameKib: readonly number[];
  readonly against: string | undefined;
}

/** Returns true if this build stayed within the limit in every row and lost nothing silently. */
export async function memory(choice: MemoryChoice, emit: Emit): Promise<boolean> {
  const rows = [...cellsOf(choice.subscribers, choice.frameKib), ...ROWS];
  const kinds = new Set(rows.map(({ kind }) => kind));
  const unknown = choice.kinds?.find((kind) => !kinds.has(kind));
  if (unknown !== undefined) throw new Error(`the kinds are ${[...kinds].join(", ")}`);
  let isKept = true;
  for (const row of rows.filter(({ kind }) => choice.kinds?.includes(kind) ?? true)) {
    isKept = (await measureRow(row, undefined, emit)) && isKept;
    if (choice.against !== undefined) await measureRow(row, choice.against, emit);
  }
  return isKept;
}

/** Returns true if the room stayed within the limit and nothing was lost. */
async function measureRow(row: Row, bundle: string | undefined, emit: Emit): Promise<boolean> {
  const idleBytes = await idleBytesOf(row, bundle);
  await using target = await startRoomcast("framed", bundle, row.settings);
  using growth = new Growth(target.pid);
  const startedAt = performance.now();
  let found: Found = { figures: {}, lost: 0 };
  let error = "";
  try {
    if (idleBytes !== undefined) growth.beginAt(idleBytes);
    found = await row.measure(target, () => growth.begin());
    growth.sample();
  } catch (thrown) {
    error = String(thrown);
  }
  if (growth.isGivenUp) error = "ended: it grew too far";
  const isKept = error === "" && growth.bytes <= BOUND_BYTES && found.lost === 0;
  emit({
    bench: "memory",
    target: target.name,
    kind: row.kind,
    ...row.labels,
    ...found.figures,
    lost_untold: found.lost,
    seconds: round((performance.now() - startedAt) / 1000, 3),
    rss_idle_mib: round(growth.idleBytes / MIB),
    rss_peak_mib: round(growth.peakBytes / MIB),
    rss_growth_mib: round(growth.bytes / MIB),
    bound_mib: BOUND_BYTES / MIB,
    kept: isKept ? "yes" : "no",
    ...(error !== "" && { error }),
  });
  return isKept;
}

/** The idle size of a separate process, if the row needs one. */
async function idleBytesOf({ idle, settings }: Row, bundle: string | undefined): Promise<number | undefined> {
  if (idle === undefined) return undefined;
  await using target = await startRoomcast("framed", bundle, settings);
  await idle(target);
  return residentBytes(target.pid);
}
