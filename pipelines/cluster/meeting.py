"""The processes of a cluster meet before TensorFlow starts: each worker calls the chief at its address.

The connections stay open during the training: they say at once that a process has ended. TensorFlow then
listens at the same ports, so a cluster needs no others.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress

from ..errors import UserError
from .messages import Connection
from .place import Place

PATIENCE = 300.0
"""Seconds to wait for the others."""
_GREETING = 10.0  # seconds for whoever has called to say which worker it is
_PAUSE = 0.5


def meet(place: Place, check: Callable[[], None] = lambda: None) -> dict[int, Connection]:
    """Return connections by index: the chief's to all workers, or a worker's to the chief.

    Args:
        place: where this process is.
        check: called again and again while this waits; may raise an exception.

    Raises:
        UserError: this process's port is in use, or another one does not come within `PATIENCE` seconds.
    """
    listener = _listener(place)
    with listener:
        if place.is_chief:
            return _all_workers(place, listener, check)
    return {0: _chief(place, check)}


def _listener(place: Place) -> socket.socket:
    """Return a socket that listens at the address of this process."""
    host, port = place.host_and_port(place.index)
    own = "127.0.0.1" if host in ("127.0.0.1", "localhost") else ""  # a cluster's name may be of another net
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorFlow does
    try:
        listener.bind((own, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UserError(
            f"{place.name(place.index)}: port {port} of this machine can't be used "
            f"({error.strerror}): expected a free port"
        ) from None
    return listener


def _all_workers(place: Place, listener: socket.socket, check: Callable[[], None]) -> dict[int, Connection]:
    listener.settimeout(_PAUSE)
    found: dict[int, Connection] = {}
    end = time.monotonic() + PATIENCE
    while len(found) < place.workers - 1:
        check()
        missing = [place.name(index) for index in range(1, place.workers) if index not in found]
        if time.monotonic() > end:
            for connection in found.values():
                connection.close()
            raise UserError(f"waited {PATIENCE:.0f} s for {', '.join(missing)}: expected all to be started")
        with suppress(TimeoutError):
            _greet(place, listener.accept()[0], found)
    return found


def _greet(place: Place, link: socket.socket, found: dict[int, Connection]) -> None:
    """Add the connection of a worker to those found; others who call, such as port scanners, are let go."""
    connection = Connection(link, most_arrays=0)  # only the chief sends arrays
    with suppress(TimeoutError):
        message = connection.receive(_GREETING)
        index = message.facts.get("index") if message else None
        if isinstance(index, int) and 0 < index < place.workers and index not in found:
            found[index] = connection
            return
    connection.close()


def _chief(place: Place, check: Callable[[], None]) -> Connection:
    end = time.monotonic() + PATIENCE
    while True:
        check()
        try:
            link = socket.create_connection(place.host_and_port(0), timeout=_GREETING)
            break
        except OSError as error:  # it is not started yet, or its name is not known yet
            if time.monotonic() > end:
                raise UserError(
                    f"waited {PATIENCE:.0f} s for {place.name(0)} ({error}): expected it to be started"
                ) from None
        time.sleep(_PAUSE)
    connection = Connection(link)
    connection.send({"index": place.index})
    return connection
