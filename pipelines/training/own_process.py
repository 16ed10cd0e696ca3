"""Call a function in a new process, which starts from a clean state and frees all its memory at the end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any

from .interruption import interrupt


def call_in_own_process(
    function: Callable[..., Any], arguments: Mapping[str, Any], *, prepare: Callable[[], None]
) -> Any:
    """Run `function(**arguments)` in a new process; return its result or raise its exception.

    See `OwnProcess`. If this process is interrupted, the call waits until the function has cleaned up.

    Raises:
        ChildProcessError: the process died, for example because it ran out of memory.
    """
    return OwnProcess(function, arguments, prepare=prepare).result()


class OwnProcess:
    """A function that runs in a new process.

    The new process ignores Ctrl-C and the end of its terminal. If this process dies or calls `stop`, the
    function gets one KeyboardInterrupt. Make it in the main thread only.

    Args:
        function: a function at the top level of a module.
        arguments: its keyword arguments; they and the result must be picklable.
        prepare: called in the new process before `function`, for example to set up logging.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Mapping[str, Any], *, prepare: Callable[[], None]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = function.__name__
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, prepare, function, dict(arguments)))
        with _ignored(signal.SIGINT, signal.SIGHUP):  # the new process inherits this
            self._process.start()
        theirs.close()

    def has_ended(self) -> bool:
        """Tell whether `result` would return or raise at once."""
        return self._pipe.poll()

    def result(self) -> Any:
        """Wait for the end; return the result of the function or raise its exception.

        Raises:
            ChildProcessError: the process died, for example because it ran out of memory.
        """
        try:
            error, result = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise ChildProcessError(
                f"the process of {self._name} ended with exit code {self._process.exitcode}"
            ) from None
        finally:
            self.stop()
        if error is not None:
            raise error
        return result

    def interrupt(self) -> None:
        """Interrupt the function if it is still running."""
        self._pipe.close()

    def stop(self) -> None:
        """Interrupt the function if it is still running, and wait until it has cleaned up."""
        self.interrupt()
        self._process.join()


@contextlib.contextmanager
def _ignored(*signals: int) -> Iterator[None]:
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _run(
    pipe: Connection, prepare: Callable[[], None], function: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    """Run in the new process: call the function and send its result or its exception."""
    signal.signal(signal.SIGTERM, interrupt)
    threading.Thread(target=_interrupt_at_end_of, args=(pipe,), daemon=True).start()
    answer: tuple[BaseException | None, Any]
    try:
        prepare()
        answer = None, function(**arguments)
    except BaseException as error:
        answer = _picklable(error), None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pipe closes now because all is done
    with contextlib.suppress(OSError):  # nobody waits for an answer after an interrupt
        pipe.send(answer)


def _interrupt_at_end_of(pipe: Connection) -> None:
    """Interrupt the main thread once the other process has closed its end of the pipe."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)


def _picklable(error: BaseException) -> BaseException:
    """Return the exception with its traceback as a note, or a RuntimeError if it can't be pickled."""
    text = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(text)
    error.add_note(text)
    return error
