"""Convert values to what MLflow accepts: flat, short, on one line, in batches, and valid in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def one_line(message: object) -> str:
    """Return the text of a message with its line breaks as spaces."""
    return " ".join(str(message).split())


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield names and values; the names of nested mappings are joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def to_json(value: Any) -> Any:
    """Return a value that JSON can hold: NumPy's numbers as Python's, any other type as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def shorten(value: object, length: int) -> str:
    """Return the text of a value, cut to a number of characters; "…" shows that it is cut."""
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def batches(values: Mapping[str, str], size: int) -> Iterator[dict[str, str]]:
    """Yield the items as mappings of at most `size` items."""
    items = list(values.items())
    for i in range(0, len(items), size):
        yield dict(items[i : i + size])
