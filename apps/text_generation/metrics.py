"""Scores text by its likelihood, and the n-gram models that the network must beat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.tasks.generation import nll, step_accuracy
from pipelines.tasks.kneser_ney import KneserNey

from .config import TextConfig
from .features import PADDING

if TYPE_CHECKING:
    from pipelines.evaluation.score import Metric


def bits(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the negative log-likelihood in bits a symbol."""
    return nll(outputs, targets) / math.log(2)


_MOST_COUNTED = 10_000_000

METRICS: dict[str, Metric] = {"nll": nll, "bits": bits, "accuracy": step_accuracy}


def baselines(
    config: TextConfig, data: Data, features: Features, deployed: Any
) -> dict[str, dict[str, float]]:
    """Return the `nll` of three models on the test text: uniform, single symbols, and Kneser-Ney n-grams.

    Of a very long training text the last 10 million symbols are counted, which takes about 2 GB.
    """
    inputs, targets = features.inputs["train"], features.targets["train"]
    text = in_one(inputs, targets, config.batch_size)[-_MOST_COUNTED:]
    symbols = int(features.counts["symbols"])
    orders = {"uniform": 0, "unigram": 1, f"kneser_ney_{config.ngram}": config.ngram}
    found: dict[str, dict[str, float]] = {}
    for name, order in orders.items():
        model = KneserNey(text, symbols, order)
        splits = {split: _nll(model, features, split) for split in ("test", "whole")}
        found[name] = splits
    return found


def _nll(model: KneserNey, features: Features, split: str) -> float:
    """Return the mean negative log-likelihood of what is scored of a split; rows begin with context."""
    inputs, targets = features.inputs[split], features.targets[split]
    scored = targets != PADDING
    read = np.where(scored, targets, np.pad(inputs[:, 1:], ((0, 0), (0, 1))))
    rows = np.concatenate([inputs[:, :1], read], axis=1)
    values = model.log_probabilities(rows.ravel()).reshape(rows.shape)[:, 1:]
    return float(-values[scored].mean())


def in_one(inputs: np.ndarray, targets: np.ndarray, streams: int) -> np.ndarray:
    """Return the text that was cut into windows of streams side by side."""
    steps = inputs.shape[1]
    by_stream = inputs.reshape(-1, streams, steps).transpose(1, 0, 2)
    return np.append(by_stream.reshape(-1), targets[-1, -1])
