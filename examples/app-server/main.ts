// Starts the example: OPERATOR_KEY=... node examples/app-server/main.ts
import { Rooms } from "./rooms.ts";
import { App } from "./server.ts";

const { OPERATOR_KEY: key, ROOMCAST_URL: url = "http://127.0.0.1:8787", PORT = "3000" } = process.env;
if (!key) throw new Error("set OPERATOR_KEY: locally it is in .dev.vars");

new App(new Rooms(url, key), url).serve().listen(Number(PORT), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${PORT}`);
});
