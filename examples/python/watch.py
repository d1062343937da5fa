"""Writes the payloads of a room to stdout, and all other events to stderr, as JSON lines.

    ROOMCAST_TOKEN=... python3 examples/python/watch.py http://127.0.0.1:8787 ROOM [START] | ffplay -

START is that of rule W5: `live`, -SECONDS or EPOCH.SEQUENCE; by default the newest group. With --events, all events are
JSON lines on stdout. They have the size and the SHA-256 of a payload instead of the payload. It ends at the end of the
stream, or with the room's reason if the room refuses it.
"""

import hashlib
import json
import os
import sys

from frames import END
from subscriber import Ended, Subscriber


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--events"]
    tells_events = len(arguments) < len(sys.argv) - 1
    if len(arguments) not in (2, 3) or "ROOMCAST_TOKEN" not in os.environ:
        sys.exit(__doc__)
    url, room, *start = arguments
    last_init = None
    for event in Subscriber(url, room, os.environ["ROOMCAST_TOKEN"], start=start[0] if start else "group"):
        payload = event.pop("payload", None)
        if tells_events:
            digest = {} if payload is None else {"bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
            print(json.dumps({**event, **digest}), flush=True)
        elif payload is None:
            print(json.dumps(event), file=sys.stderr, flush=True)
        elif event["type"] == "frame" or payload != last_init:
            last_init = payload if event["type"] == "init" else last_init
            sys.stdout.buffer.write(payload)
            sys.stdout.flush()
        if event["type"] == "frame" and event["flags"] & END:
            return


try:
    main()
except Ended as end:
    sys.exit(str(end))
except (KeyboardInterrupt, BrokenPipeError):
    pass
