// The ingest bridge: TCP producers in, one WebSocket to the room out. Startable in-process.
export { type Bridge, startBridge } from "./bridge.ts";
export { type Config, ConfigError, LOG_LEVELS, readConfig, SETTINGS, type Setting, variableOf } from "./config.ts";
export { loadCertificates } from "./listener.ts";
export { createLogger, type Logger } from "./log.ts";
export type { Services } from "./services.ts";
