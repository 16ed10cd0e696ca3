"""Refusals that several layers share: they say layer, expected and got."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def require_sequences(layer: keras.layers.Layer, shape: Sequence[int | None]) -> None:
    """Refuse inputs that are not (batch, steps, features)."""
    if len(shape) != 3:
        expected = "expected inputs of shape (batch, steps, features)"
        raise ValueError(f"{layer.name}: {expected}, got {tuple(shape)}")


def require_units(layer: keras.layers.Layer, units: Any) -> None:
    """Refuse a size that is not a whole number above 0."""
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise ValueError(f"{type(layer).__name__}: units: expected a whole number above 0, got {units!r}")
