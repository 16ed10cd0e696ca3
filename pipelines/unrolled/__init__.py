"""The installed package `unrolled`. It also contains `layers`, `pipelines`, `apps` and `ondevice`.

`unrolled.convert` turns a Keras model into a .tflite file, and `unrolled.from_torch` a PyTorch module into a
Keras model.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["convert", "from_torch"]
_HOMES = {"convert": "any_model", "from_torch": "foreign.torch_model"}


def __getattr__(name: str) -> Any:
    """Import a function when it is first used, since it needs TensorFlow, which a device doesn't have."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".pipelines.export.{_HOMES[name]}", __name__), name)
