// The page's entry. The path selects the view: create a room, watch it, or show it embedded in another page.

import { showCreate } from "./create.ts";
import { showTemplate } from "./dom.ts";
import { embedOfPath, roomOfPath } from "./page-address.ts";
import { showEmbed, showWatch } from "./watch.ts";

const room = roomOfPath(location.pathname);
const embed = embedOfPath(location.pathname);
if (room !== undefined) showWatch(room);
else if (embed !== undefined) showEmbed(embed);
else if (location.pathname === "/") showCreate();
else showTemplate("lost");
