"""What the processes of a training tell each other: what they are, the state of the network, the end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from ..errors import TeamError, UserError
from .meeting import meet
from .messages import Connection, Message
from .place import Place

_STOPPED = "stopped"  # what a process says whose user's input is wrong, with the reason
_TO_CLEAN_UP = 40.0
"""Seconds that a process has to mark its run as failed after another one has ended."""


class Team:
    """This process and those that it trains with. Make it in the main thread.

    If another process ends before `finish`, this one is interrupted wherever it is; inside of `guarded`, that
    becomes a TeamError.

    Args:
        place: where this process is.
        connections: to all workers, or to the chief, by index.

    Attributes:
        place: where this process is.
    """

    def __init__(self, place: Place, connections: Mapping[int, Connection]) -> None:
        self.place = place
        self._connections = dict(connections)
        self._lost: list[int] = []
        self._loss_known = threading.Event()
        self._leaving = threading.Lock()
        self._left = False
        self._end: threading.Timer | None = None
        self.abort: Callable[[str], None] = lambda reason: None
        for index, connection in self._connections.items():
            connection.watch(partial(self._ended, index))

    @classmethod
    @contextmanager
    def gathered(cls, place: Place, check: Callable[[], None] = lambda: None) -> Iterator[Team]:
        """Meet the others, and part when the context ends; see `meeting.meet`."""
        team = cls(place, meet(place, check))
        try:
            with team.guarded():
                yield team
        except UserError as error:
            team.tell({_STOPPED: str(error)}, last=True)
            raise
        finally:
            team.close()

    def tell(
        self, facts: Mapping[str, Any], arrays: Sequence[np.ndarray] = (), *, last: bool = False
    ) -> None:
        """Tell all workers something, as the chief, or the chief, as a worker.

        Args:
            facts: values that JSON can hold.
            arrays: arrays that belong to it.
            last: whether this process ends then, which is no loss.
        """
        for connection in self._connections.values():
            connection.send(facts, arrays, last=last)

    def told(self, index: int = 0) -> Message:
        """Wait for what the chief tells or, as the chief, the worker at `index`.

        Raises:
            UserError: it has stopped, since its user's input is wrong.
            TeamError: it has ended.
        """
        message = self._connections[index].receive()
        if message is None:
            self._leave()
            self._lose(index)
            raise TeamError(self._what_was_lost())
        if _STOPPED in message.facts:
            raise UserError(f"{self.place.name(index)} has stopped: {message.facts[_STOPPED]}")
        return message

    def agree(self, facts: Mapping[str, str]) -> None:
        """Compare facts, short texts by what they tell; all processes must have the same.

        Raises:
            UserError: they differ. Every process raises it, and its message says which one has what.
            TeamError: another process has ended.
        """
        if not self.place.is_chief:
            self.tell(facts)
            self.told()
            return
        for index in sorted(self._connections):
            given = self.told(index).facts
            for name in facts:
                if given.get(name) != facts[name]:
                    expected, got = f"{facts[name]}, as the chief has", given.get(name, "nothing")
                    raise UserError(f"{self.place.name(index)}: {name}: expected {expected}, got {got}")
        self.tell({"agreed": True})

    def tell_epoch(self, epoch: int, state: Sequence[np.ndarray]) -> None:
        """Let all workers train an epoch, counted from 0, from this state."""
        self.tell({"epoch": epoch}, state)

    def epochs(self) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Yield each epoch that the chief tells, with the state to start from, until it has finished."""
        while "epoch" in (message := self.told()).facts:
            yield message.facts["epoch"], message.arrays
        self._leave()

    def finish(self) -> None:
        """Tell all workers that everything is done: what happens to them afterwards is no loss."""
        self._leave()
        self.tell({"finished": True}, last=True)

    @contextmanager
    def guarded(self, remedy: str = "") -> Iterator[None]:
        """Raise TeamError in place of what happens here because another process has ended.

        Args:
            remedy: what the message says besides.
        """
        try:
            yield
        except (UserError, TeamError):
            self._leave()
            raise
        except BaseException as error:
            self._leave()
            # TensorFlow may know of the end before the connection does.
            if self._loss_known.wait(0 if isinstance(error, KeyboardInterrupt) else 3):
                raise TeamError(f"{self._what_was_lost()}{remedy and f': {remedy}'}") from None
            raise

    def close(self) -> None:
        """End the connections."""
        self._leave()
        if self._end:
            self._end.cancel()
        for connection in self._connections.values():
            connection.close()

    def _what_was_lost(self) -> str:
        name = self.place.name(self._lost[0])
        return f"{name} has ended, and {self.place.name(self.place.index)} can't train without it"

    def _lose(self, index: int) -> None:
        self._lost.append(index)
        self._loss_known.set()

    def _leave(self) -> None:
        with self._leaving:
            self._left = True

    def _ended(self, index: int) -> None:
        """Interrupt the main thread, since another process has ended; called by another thread."""
        with self._leaving:
            self._lose(index)
            if self._left:
                return
            reason = self._what_was_lost()
            self.abort(reason)
            _interrupt_main_thread()
            self._end = threading.Timer(_TO_CLEAN_UP, partial(_end_now, reason))
            self._end.daemon = True
            self._end.start()


def _interrupt_main_thread() -> None:
    """Have the handler of SIGTERM called, unless the program has none: then that would be its end."""
    if callable(signal.getsignal(signal.SIGTERM)):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _end_now(reason: str) -> None:
    """End a process whose main thread hangs."""
    with suppress(OSError):
        print(f"error: {reason}", file=sys.stderr, flush=True)
    os._exit(1)
