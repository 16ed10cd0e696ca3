"""The only module of the pipelines that imports the layers.

They are a package beside this one: `layers` beside `pipelines` in a checkout, `unrolled.layers` beside
`unrolled.pipelines` once installed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_parent = (__package__ or "").rpartition(".")[0]
layers: ModuleType = importlib.import_module(f"{_parent}.layers" if _parent else "layers")
