"""What all command lines share: options into dataclasses, mistakes as one line, exit codes.

Exit codes: 0 done; 2 the user's input is wrong (one line says what, where and what was expected);
1 anything else.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tyro

from ..errors import UserError


def guarded(command: Callable[[], None]) -> int:
    """Run a command with logs on standard error, and return the exit code."""
    _stay_in_the_checkout()
    log_to_standard_error()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does: cleanly
    try:
        command()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def log_to_standard_error() -> None:
    """Show the project's own messages from level INFO, those of libraries from WARNING."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger(__package__.rpartition(".")[0]).setLevel(logging.INFO)


def _stay_in_the_checkout() -> None:
    """Keep what libraries cache out of the user's home."""
    for name, library in {"KERAS_HOME": "keras", "MPLCONFIGDIR": "matplotlib"}.items():
        os.environ.setdefault(name, str(Path(".cache", library).resolve()))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def parse(command: Any, prog: str, argv: list[str], default: Any = None) -> Any:
    """Parse options into the dataclass `command`; a mistake becomes one line."""
    options = {"default": default} if default is not None else {}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(command, args=argv, prog=prog, **options)
    except SystemExit as stop:
        if stop.code:
            raise UserError(_one_line(said.getvalue())) from None
        raise


def _one_line(box: str) -> str:
    """Take the message out of the frame that tyro draws, without its title and its pointer to the help."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", box).split("For full helptext")[0]
    lines = [line.strip().strip("│|").strip() for line in text.splitlines()[1:]]
    message = " ".join(line for line in lines if any(map(str.isalnum, line)))
    return f"{' '.join(message.split())} (--help lists the options)"
