"""Sends stdin to a room: ROOMCAST_TOKEN=... python3 send.py HOST PORT ROOM [FRAMING]"""

import os
import shutil
import socket
import sys

host, port, room, framing = (sys.argv[1:] + ["raw"])[:4]
with socket.create_connection((host, int(port))) as bridge, bridge.makefile("r", newline="\n") as replies:
    bridge.sendall(f"ROOMCAST/1 room={room} token={os.environ['ROOMCAST_TOKEN']} framing={framing}\n".encode())
    reply = replies.readline()
    if reply.startswith("OK "):
        with bridge.makefile("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        bridge.shutdown(socket.SHUT_WR)  # the end of the stream; the answer still comes
        reply = replies.readline()
if not reply.startswith("END "):
    sys.exit(reply.strip() or "the bridge hung up")
