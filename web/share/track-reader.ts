// Reads the pieces of a media track as they arrive. Only some browsers support this outside workers.

type Processor<T> = new (init: { readonly track: MediaStreamTrack }) => { readonly readable: ReadableStream<T> };

function processor<T>(): Processor<T> | undefined {
  return (globalThis as { MediaStreamTrackProcessor?: Processor<T> }).MediaStreamTrackProcessor;
}

/** True if this browser supports it. */
export function canReadTracks(): boolean {
  return processor() !== undefined;
}

/** Passes each piece to `take`, which then owns and closes it. Returns a function that stops reading. */
export function readTrack<T extends { close(): void }>(track: MediaStreamTrack, take: (piece: T) => void): () => void {
  const Reader = processor<T>();
  if (Reader === undefined) throw new Error("this browser cannot read media tracks");
  const reader = new Reader({ track }).readable.getReader();
  let isStopped = false;
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (isStopped) value.close();
      else take(value);
    }
  };
  read().catch(() => {});
  return () => {
    isStopped = true;
    reader.cancel().catch(() => {});
  };
}
