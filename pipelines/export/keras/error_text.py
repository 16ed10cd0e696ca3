"""Find the line that matters in an error from Keras."""

from __future__ import annotations

import re

from .. import READ

_UNKNOWN = re.compile(r"Could not locate \w+ '([^']+)'|Unknown (?:layer|object|cell): '?([\w>]+)'?")
_OURS = re.compile(": execution |: streaming: ")


def first_reason(error: Exception) -> str:
    """Return the line with the reason: the line from one of our layers if there is one, else the first line.

    Keras wraps an error that a layer raises in several lines of its own.
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    ours = [line for line in lines if _OURS.search(line)]
    others = [line for line in lines if not line.startswith("Exception encountered")]
    return next(iter([*ours, *others, *lines]), type(error).__name__)


def why_not_loaded(error: Exception) -> str:
    """Return why Keras could not load a model, in one line, with the option that helps."""
    text = str(error).strip()
    if unknown := _UNKNOWN.search(text):
        name = unknown[1] or unknown[2]
        return (
            f"it needs {name}, which Keras does not know: name the module that defines it, --custom-objects "
            f"package.module:{name.rpartition('>')[2]}, or register it with Keras there"
        )
    if "lambda" in text.lower():
        return (
            "it holds Python code (a lambda) that loading would run: --allow-lambda if you trust the file, "
            "or save the model with a layer of your own instead"
        )
    if isinstance(error, RecursionError):
        return "expected a Keras model: its settings are nested too deep"
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return "there is a layer of PyTorch in it, which is a pickle and could run any code"
    first = text.splitlines()[0] if text else type(error).__name__
    return f"expected {READ}: {first}"
