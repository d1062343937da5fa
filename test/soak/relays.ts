// `npm run soak -- relays`: ten thousand real subscribers in one room, over ten or more objects, placed only by growth.
import { readFileSync } from "node:fs";
import { largeRoom, MAX_OVER_SECONDS } from "../support/large-room.ts";

/** workerd takes two file descriptors for a WebSocket, and some for itself. */
const MOST = Math.floor(
  (Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]) - 200) / 2,
);
/** The objects are so small that the room needs ten of them. */
const SUBSCRIBERS = Math.min(Number(process.env.ROOMCAST_SUBSCRIBERS ?? 10_000), MOST);
const OBJECTS = 10;
const LEAST_RELAYS = 8;
const SECONDS = 60;

/** Prints each object and the whole. Exit code 1 if a frame was lost silently or an object was over its budget. */
export async function soakRelays(tell: (soak: string, found: object) => void): Promise<void> {
  const { isTTY } = process.stderr;
  const progress = (text: string) => void (isTTY && process.stderr.write(`\r\x1b[K${text}`));
  const room = { subscribers: SUBSCRIBERS, maxObjectSubscribers: Math.ceil(SUBSCRIBERS / OBJECTS), seconds: SECONDS };
  const { objects, load, ...report } = await largeRoom(room, progress);
  progress("");
  for (const object of objects) tell("relays object", object);
  tell("relays", { ...room, ...report, relays: objects.length - 1, load });
  // A relay that fills up faster than it can report accepts up to twice its target.
  const isOver = objects.some(
    ({ most, overSeconds }) => most.subscribers > 2 * room.maxObjectSubscribers || overSeconds > MAX_OVER_SECONDS,
  );
  const areLost = load.framesLostUntold > 0 || load.joined < SUBSCRIBERS;
  if (isOver || areLost || objects.length <= LEAST_RELAYS) process.exitCode = 1;
}
