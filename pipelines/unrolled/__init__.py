"""The installed package `unrolled`. It also contains `layers`, `pipelines`, `apps` and `ondevice`.

`unrolled.convert` turns a Keras model into a .tflite file.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["convert"]


def __getattr__(name: str) -> Any:
    """Import `convert` when it is first used, since it needs TensorFlow, which a device doesn't have."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(".pipelines.export.any_model", __name__), name)
