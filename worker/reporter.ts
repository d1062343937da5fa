// Sends a room's reports to the queue.
import type { PostReport, RoomReport } from "./core/journal.ts";
import type { MessageQueue } from "./operators/message-queue.ts";

/** undefined: no queue is bound, so nothing is reported. `act` runs the room, and sets its timers. */
export function reporter(
  queue: MessageQueue<RoomReport> | undefined,
  act: (run: (now: number) => void) => void,
): PostReport | undefined {
  if (queue === undefined) return undefined;
  return (report, done) => {
    queue.send(report, { contentType: "json" }).then(
      () => act(() => done(true)),
      () => act(() => done(false)),
    );
  };
}
