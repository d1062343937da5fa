// The text format of Prometheus, and the metrics of a Worker.

export type MetricType = "gauge" | "counter";
export type Metric = readonly [name: string, type: MetricType, help: string];
/** A value with its labels. */
export type Value = readonly [labels: Readonly<Record<string, string>>, value: number];

/** In output order. No label is a room, because there may be any number of rooms. */
export const WORKER_METRICS = [
  ["build_info", "gauge", "The running version"],
  ["rooms", "gauge", "Rooms in the index, by state"],
  ["subscribers", "gauge", "Subscribers of all open rooms"],
  ["publishers", "gauge", "Publishers of all open rooms"],
  ["sources_online", "gauge", "Tracks with a source"],
  ["relays", "gauge", "Relays of all open rooms"],
  ["received_bytes_total", "counter", "Bytes of messages with frames that rooms received"],
  ["messages_total", "counter", "Incoming WebSocket messages"],
  ["requests_total", "counter", "Calls, upgrades and alarms of objects"],
  ["awake_seconds_total", "counter", "Total seconds for which objects were awake"],
  ["rows_written_total", "counter", "Rows that objects wrote"],
  ["subscriber_seconds_total", "counter", "Total seconds for which subscribers were connected"],
  ["closed_total", "counter", "Connections that rooms ended, by the name of the close code"],
  ["cost_dollars_total", "counter", "Cost by the table of prices, by part"],
  ["webhooks", "gauge", "Webhooks of the last days, by status"],
] as const satisfies readonly Metric[];

/** A metric with its values. */
export function family(name: string, type: MetricType, help: string, values: readonly Value[]): string {
  const lines = values.map(([labels, value]) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${of.replace(/[\\"\n]/g, "_")}"`);
    return `roomcast_${name}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}\n`;
  });
  return `# HELP roomcast_${name} ${help}\n# TYPE roomcast_${name} ${type}\n${lines.join("")}`;
}
