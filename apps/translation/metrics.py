"""Scores texts, and the baselines that the network must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.tasks.translation_baselines import simple_writers
from pipelines.tasks.translation_scores import metrics_of

from .config import TranslationConfig

if TYPE_CHECKING:
    import keras


def written(outputs: np.ndarray, targets: np.ndarray) -> list[str]:
    """Return the texts of ids (N, steps); the targets are `features.Reference`."""
    return [target.subwords.decode(ids) for ids, target in zip(outputs.tolist(), targets, strict=True)]


def _pairs(outputs: np.ndarray, targets: np.ndarray) -> tuple[list[str], list[str]]:
    return written(outputs, targets), [target.text for target in targets]


METRICS = metrics_of(_pairs)


def baselines(
    config: TranslationConfig, data: Data, features: Features, translator: keras.Model
) -> dict[str, dict[str, float]]:
    """Return the BLEU of simple methods on every test split: the source itself, the target of the nearest
    training source, a translation word by word, and the commonest target."""
    return simple_writers(data)
