"""The only module of the pipelines that imports the layers.

The layers are a separate package: `layers` in a checkout, `unrolled.layers` once installed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_parent = (__package__ or "").rpartition(".")[0]
layers: ModuleType = importlib.import_module(f"{_parent}.layers" if _parent else "layers")
