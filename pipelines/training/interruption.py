"""Stop at Ctrl-C, SIGTERM and SIGHUP, also where Python drops the exception that a signal raises."""

from __future__ import annotations

import signal
from typing import NoReturn

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_asked: list[int] = []


def stop_at_signals() -> None:
    """Let SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, unless this process was told to ignore them.

    `nohup` has SIGHUP ignored, and a shell has SIGINT ignored for jobs in the background.
    """
    _asked.clear()
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, frame: object = None) -> NoReturn:
    """Raise KeyboardInterrupt and remember it; a handler of signals."""
    _asked.append(number)
    raise KeyboardInterrupt


def check() -> None:
    """Raise KeyboardInterrupt if a signal came and its exception was lost.

    Python drops an exception that is raised in a callback of a library, in `__del__` or in the collection of
    garbage. Call this between steps of long work.
    """
    if _asked:
        _asked.clear()
        raise KeyboardInterrupt
