"""A part of a model that the device runs by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Part:
    """A part of the model that the device runs by itself, such as the encoder of an encoder and decoder."""

    model: keras.Model
    outputs: Sequence[str]
    """Their names, in the model's order."""
    inputs: Mapping[str, np.ndarray]
    """By input name (N, ...): some of the test split, to hold its files against Keras."""
    calibration: Mapping[str, np.ndarray]
    """The same of training examples, for integer precisions."""
    execution: str = "loop"
    whole: Collection[str] = ()
    """Inputs of a step that are no sequences."""
