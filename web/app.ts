// The page's entry: the path decides between creating a room and watching one.

import { showCreate } from "./create.ts";
import { showTemplate } from "./dom.ts";
import { roomOfPath } from "./page-address.ts";
import { showWatch } from "./watch.ts";

const room = roomOfPath(location.pathname);
if (room !== undefined) showWatch(room);
else if (location.pathname === "/") showCreate();
else showTemplate("lost");
