"""Find the line that matters in an error from Keras."""

from __future__ import annotations

import re

_OURS = re.compile(": execution |: streaming: ")


def first_reason(error: Exception) -> str:
    """Return the line with the reason: the line from one of our layers if there is one, else the first line.

    Keras wraps an error that a layer raises in several lines of its own.
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    ours = [line for line in lines if _OURS.search(line)]
    others = [line for line in lines if not line.startswith("Exception encountered")]
    return next(iter([*ours, *others, *lines]), type(error).__name__)
