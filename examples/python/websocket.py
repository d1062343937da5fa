"""A WebSocket client (RFC 6455) with only the standard library and the features that a Roomcast subscriber needs."""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import time
import urllib.parse

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The server answered the upgrade with a status other than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"HTTP {status}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The connection has ended. Code 1006: without a close frame."""

    def __init__(self, code=1006, reason=""):
        super().__init__(f"closed: {code} {reason}")
        self.code, self.reason = code, reason


class WebSocket:
    """One connection. The constructor opens it; raises `Refused`, `Closed` or `OSError`. Times are in seconds."""

    def __init__(self, url, headers, protocols, max_message_bytes, timeout=10):
        self._max = max_message_bytes
        self._buffer = bytearray()
        self._parts = []
        self._opcode = None
        parts = urllib.parse.urlsplit(url)
        secure = parts.scheme in ("https", "wss")
        raw = socket.create_connection((parts.hostname, parts.port or (443 if secure else 80)), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname) if secure else raw
        try:
            self._handshake(parts, headers, protocols)
        except BaseException as error:
            self._socket.close()
            if isinstance(error, (OSError, ValueError)):
                raise Closed(reason=str(error)) from error
            raise

    def _handshake(self, parts, headers, protocols):
        key = base64.b64encode(os.urandom(16)).decode()
        sent = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Protocol": ", ".join(protocols),
            **headers,
        }
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise ValueError("the answer's header is too long")
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        status_line, *fields = head.decode("latin1").split("\r\n")
        status = int(status_line[9:12])  # after "HTTP/1.1 "
        answer = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        self._buffer = bytearray(rest)
        if status != 101:
            raise Refused(status, answer, self._body(answer))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if answer.get("sec-websocket-accept") != accept or answer.get("sec-websocket-protocol") not in protocols:
            raise ValueError("the server does not speak this protocol")

    def _body(self, headers):
        """The body of a refusal, as far as it arrives. It is only an explanation."""
        chunked = headers.get("transfer-encoding") == "chunked"
        length = MAX_BODY_BYTES if chunked else min(int(headers.get("content-length", "0")), MAX_BODY_BYTES)
        try:
            while len(self._buffer) < length and not (chunked and self._buffer.endswith(b"0\r\n\r\n")):
                self._fill()
        except (OSError, Closed):
            pass
        body = bytes(self._buffer)
        # A problem document is short: it comes in one chunk.
        return body.partition(b"\r\n")[2].partition(b"\r\n0\r\n")[0] if chunked else body

    def receive(self, timeout):
        """A whole message, `str` or `bytes`; None after `timeout` seconds without one. Raises `Closed` at the end."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self._take_frame()
            if frame is not None:
                message = self._frame(*frame)
                if message is not None:
                    return message
                continue
            left = deadline - time.monotonic()
            pending = getattr(self._socket, "pending", lambda: 0)()
            if not pending and not select.select([self._socket], [], [], max(0, left))[0]:
                return None
            try:
                self._fill()
            except OSError as error:
                raise Closed(reason=str(error)) from error

    def send_text(self, text):
        self._send(TEXT, text.encode())

    def close(self, code=1000):
        """Sends the code and closes the connection. It does not wait for data that is on its way."""
        try:
            self._send(CLOSE, struct.pack(">H", code))
        except Closed:
            pass
        self._socket.close()

    def _frame(self, fin, opcode, payload):
        """A message that the frame completes, or None."""
        if opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
            self.close(code if code != 1005 else 1000)
            raise Closed(code, payload[2:].decode("utf8", "replace"))
        elif opcode in (0, TEXT, BINARY):
            self._opcode = opcode or self._opcode
            self._parts.append(payload)
            if sum(map(len, self._parts)) > self._max:
                self._fail(1009, "the message is too large")
            if fin:
                whole, self._parts = b"".join(self._parts), []
                return whole.decode() if self._opcode == TEXT else whole
        return None

    def _take_frame(self):
        """The next frame in the buffer, or None if it is incomplete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1] & 127
        if length > 125:
            start = 4 if length == 126 else 10
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[2:start], "big")
        if length > self._max:
            self._fail(1009, "the message is too large")
        if len(buffer) < start + length:
            return None
        frame = buffer[0] >> 7, buffer[0] & 15, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame

    def _fail(self, code, reason):
        self.close(code)
        raise Closed(code, reason)

    def _fill(self):
        chunk = self._socket.recv(1 << 16)
        if not chunk:
            raise Closed(reason="the connection ended")
        self._buffer += chunk

    def _send(self, opcode, payload):
        """Sends a frame, masked as a client has to (RFC 6455, 5.3). Raises `Closed`."""
        size = len(payload)
        head = bytes([128 | opcode]) + (bytes([128 | size]) if size < 126 else bytes([254]) + struct.pack(">H", size))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
        try:
            self._socket.sendall(head + mask + masked)
        except OSError as error:
            raise Closed(reason=str(error)) from error
