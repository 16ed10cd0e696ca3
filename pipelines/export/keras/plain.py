"""Use a Keras model as it answers, without what only training needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def plain(model: keras.Model) -> Iterator[None]:
    """Compute in float32, without activity regularizers, inside a `with` block.

    Policies such as mixed_float16 keep their weights in float32 and compute in float16. A device computes in
    float32, or as the precision of the file says. A regularizer adds to the loss only.
    """
    changed: list[tuple[Any, str, Any]] = []
    for layer in model._flatten_layers():
        if layer.dtype_policy.name.startswith("mixed_"):
            changed.append((layer, "dtype_policy", layer.dtype_policy))
            layer.dtype_policy = "float32"
        if getattr(layer, "activity_regularizer", None) is not None:
            changed.append((layer, "activity_regularizer", layer.activity_regularizer))
            layer.activity_regularizer = None
    try:
        yield
    finally:
        for layer, name, value in changed:
            setattr(layer, name, value)
