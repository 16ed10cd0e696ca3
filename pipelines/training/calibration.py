"""Choose the training examples on which the ranges of integer files are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..config import Config
from ..data.examples import Features, take
from ..export.prepared_model import packet_length

if TYPE_CHECKING:
    import keras

_EXAMPLES = 200
"""The number of training examples on which the ranges of int8 and int16x8 files are measured."""
_STEPS = 20_000
"""Long sequences need fewer examples: at most 20,000 steps in all, but at least 10 examples."""


def calibration_examples(config: Config, features: Features, deployed: keras.Model) -> np.ndarray:
    """Return some training examples to calibrate on, as inputs (M, ...) of the deployed model."""
    rng = np.random.default_rng(config.seed)
    size = len(features.targets["train"])
    steps = features.inputs["test"].shape[1] // packet_length(deployed)
    count = max(10, min(_EXAMPLES, _STEPS // steps))
    rows = np.sort(rng.choice(size, min(count, size), replace=False))
    examples = take(features.inputs["train"], rows)
    return examples[deployed.inputs[0].name] if isinstance(examples, dict) else examples
