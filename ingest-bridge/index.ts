// The ingest bridge: TCP producers in, one WebSocket to the room out. Other programs can start it in their process.
export { type Bridge, startBridge } from "./bridge.ts";
export { ConfigError, readConfig, variableOf } from "./bridge-config.ts";
export { checkFiles } from "./check-files.ts";
export { createLogger, type Logger } from "./log.ts";
export type { Services } from "./services.ts";
export { type Config, LOG_LEVELS, SETTINGS, type Setting } from "./settings.ts";
