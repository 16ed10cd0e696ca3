"""Messages between two processes over a connection: a JSON object, and arrays if there are any."""

from __future__ import annotations

import contextlib
import io
import json
import queue
import socket
import struct
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

_SIZES = struct.Struct("!4sIQ")
_MARK = b"unrl"
_LAST = "last"
MOST_FACTS, MOST_ARRAYS = 2**24, 2**36
"""The most bytes of a message: other programs that call get an end instead of our memory."""
_ENDS = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
_QUIET, _BETWEEN, _TIMES = 10, 5, 4  # seconds, seconds, count: a machine without power is noticed in 30 s


class Message(NamedTuple):
    """What another process said."""

    facts: dict[str, Any]
    """What it says, as JSON can hold it."""
    arrays: list[np.ndarray]
    """Arrays that belong to it."""


class Connection:
    """A connection to another process, whose messages are read as they come.

    Args:
        link: the connected socket.
        most_arrays: the most bytes of arrays that the other process may send in a message.
    """

    def __init__(self, link: socket.socket, *, most_arrays: int = MOST_ARRAYS) -> None:
        self._link, self._most_arrays = link, most_arrays
        self._received: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._parting = False
        self._ended = threading.Event()
        link.settimeout(None)
        _keep_alive(link)
        threading.Thread(target=self._read_all, daemon=True).start()

    def send(
        self, facts: Mapping[str, Any], arrays: Sequence[np.ndarray] = (), *, last: bool = False
    ) -> None:
        """Send a message; nothing happens if the other process has ended, which `receive` tells.

        Args:
            facts: what to say, as JSON can hold it.
            arrays: arrays that belong to it.
            last: whether the end of the connection is no surprise then.
        """
        buffer = io.BytesIO()
        if arrays:
            np.savez(buffer, *arrays)
        said = json.dumps({**facts, _LAST: last}).encode()
        content = buffer.getvalue()
        with contextlib.suppress(OSError):
            self._link.sendall(_SIZES.pack(_MARK, len(said), len(content)) + said + content)

    def receive(self, seconds: float | None = None) -> Message | None:
        """Return the next message, or None if the other process has ended.

        Raises:
            TimeoutError: it has said nothing for so many seconds.
        """
        try:
            message = self._received.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if message is None:
            self._received.put(None)  # it stays ended
        return message

    def watch(self, when_ended: Callable[[], None]) -> None:
        """Have a function called by another thread when the other process has ended or closed the connection.

        It is not called if this process closes the connection, or if the other's last message said so.
        """

        def wait() -> None:
            self._ended.wait()
            if not self._parting:
                when_ended()

        threading.Thread(target=wait, daemon=True).start()

    def close(self) -> None:
        """End the connection."""
        self._parting = True
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()

    def _read_all(self) -> None:
        with contextlib.suppress(*_ENDS):  # a stranger is let go
            while True:
                message = _read(self._link, self._most_arrays)
                self._parting = self._parting or bool(message.facts.pop(_LAST, False))
                self._received.put(message)
        self._received.put(None)
        self._ended.set()


def _read(link: socket.socket, most_arrays: int) -> Message:
    mark, facts, arrays = _SIZES.unpack(_exactly(link, _SIZES.size))
    if mark != _MARK or facts > MOST_FACTS or arrays > most_arrays:
        raise ValueError("no message of ours")
    said = json.loads(_exactly(link, facts))
    if not isinstance(said, dict):
        raise ValueError("no message of ours")
    content = _exactly(link, arrays)
    if not content:
        return Message(said, [])
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return Message(said, [stored[f"arr_{i}"] for i in range(len(stored.files))])


def _exactly(link: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = link.recv(min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _keep_alive(link: socket.socket) -> None:
    """Let the operating system ask a silent machine whether it is there."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    waits = {"TCP_KEEPIDLE": _QUIET, "TCP_KEEPINTVL": _BETWEEN, "TCP_KEEPCNT": _TIMES}
    waits["TCP_USER_TIMEOUT"] = 1000 * (_QUIET + _BETWEEN * _TIMES)
    for name, value in waits.items():
        if hasattr(socket, name):  # Linux has them all
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
