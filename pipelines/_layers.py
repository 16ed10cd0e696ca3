"""The one edge from the pipelines to the layers, which live next to this package under either name.

`layers` beside `pipelines` in a checkout, `unrolled.layers` beside `unrolled.pipelines` once installed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_parent = (__package__ or "").rpartition(".")[0]
layers: ModuleType = importlib.import_module(f"{_parent}.layers" if _parent else "layers")
