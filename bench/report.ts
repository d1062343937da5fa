// The output of a benchmark: each measurement is one line of JSON.

/** A measurement. Units are in the names of its figures. */
export interface Measurement {
  readonly bench: string;
  readonly [figure: string]: string | number;
}

export type Emit = (measurement: Measurement) => void;

/** Writes it to stdout. */
export function emitLine(measurement: Measurement): void {
  process.stdout.write(`${JSON.stringify(measurement)}\n`);
}
