"""Lines of JSON over a socket, never waiting: what the other end does not take is kept."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from dexgen_app.recording.codec import encode_json

_LIMIT = 4 << 20  # bytes kept for an end that does not read


class Wire:
    """One end of a pair of connected sockets.

    Args:
        end: A stream socket; this object owns it.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.setblocking(False)
        self._out = bytearray()
        self._in = bytearray()
        self.closed = False
        """True once the other end is gone."""
        self.lost = 0
        """Messages thrown away because the other end took none for long."""

    def fileno(self) -> int:
        """File descriptor, for ``select``."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, or keep it until the other end takes it."""
        if len(self._out) > _LIMIT:
            self.lost += 1
        else:
            self._out += encode_json(message) + b"\n"
        self.push()

    def push(self) -> None:
        """Send as much of what was kept as the other end takes now."""
        try:
            while self._out and not self.closed:
                del self._out[: self._socket.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True

    def receive(self) -> Iterator[dict[str, Any]]:
        """Yield the messages that have arrived."""
        try:
            while not self.closed:
                data = self._socket.recv(1 << 16)
                self._in += data
                self.closed = not data
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        *lines, rest = self._in.split(b"\n")
        self._in = bytearray(rest)
        for line in lines:
            yield json.loads(line)

    def close(self) -> None:
        """Close this end; may be called repeatedly."""
        self.closed = True
        self._socket.close()
