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
    """A part of a model that the device runs by itself, such as an encoder or a decoder."""

    model: keras.Model
    outputs: Sequence[str]
    """The names of its outputs, in the model's order."""
    inputs: Mapping[str, np.ndarray]
    """Examples of the test split, (N, ...) by input name. The files are compared with Keras on them."""
    calibration: Mapping[str, np.ndarray]
    """Training examples, (N, ...) by input name. int8 and int16x8 files are calibrated on them."""
    execution: str = "loop"
    """"loop" for whole sequences, "step" for a stream."""
    whole: Collection[str] = ()
    """The inputs that are not sequences; each step of a stream takes them whole."""
