"""Load a model only if its weights fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from ...archives import MOST_BYTES


@contextmanager
def weight_limit() -> Iterator[None]:
    """Let layers make at most `MOST_BYTES` of weights inside a `with` block.

    Keras makes the weights that a file describes, whatever their size, before it reads their values. So the
    sizes are added up where every layer asks for a weight.

    Raises:
        ValueError: a layer asks for more.
    """
    made = 0
    unlimited = keras.layers.Layer.add_weight

    def limited(layer: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal made
        shape = named.get("shape", arguments[0] if arguments else ()) or ()
        made += 4 * math.prod(shape if isinstance(shape, tuple | list) else (shape,))
        if made > MOST_BYTES:
            raise ValueError(f"expected at most {MOST_BYTES:,} bytes of weights: {layer.name} needs more")
        return unlimited(layer, *arguments, **named)

    keras.layers.Layer.add_weight = limited
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = unlimited
