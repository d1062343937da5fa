// Target `partyserver`: a relay as PartyServer's documentation writes it, with hibernation.
import { routePartykitRequest, Server } from "partyserver";

export class Party extends Server {
  static options = { hibernate: true };

  onMessage(connection, message) {
    this.broadcast(message, [connection.id]);
  }
}

export default {
  fetch: async (request, env) => (await routePartykitRequest(request, env)) ?? new Response(null, { status: 404 }),
};
