"""The top of the installed package `unrolled`, beside `unrolled.layers` and `unrolled.pipelines`."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["convert"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: `convert` wants TensorFlow, which a device doesn't have."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(".pipelines.export.any_model", __name__), name)
