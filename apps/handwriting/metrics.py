"""The metrics of each kind of answer, and simple methods to compare the network with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.evaluation.score import MeanOf, Metric
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.pen_mixture import columns, end_nll, mean_nll, step_counts
from pipelines.tasks.character_errors import (
    character_error_rate,
    edit_distance,
    labels_of,
    read_greedily,
)
from pipelines.tasks.classification import METRICS as OF_LABELS
from pipelines.tasks.classification_baselines import fitted, majority
from pipelines.tasks.stroke_baselines import Baseline, GaussianWalk, LinearSteps, nll
from pipelines.tasks.stroke_shapes import shapes

from .config import HandwritingConfig
from .rows import Rows


def texts_of(numbers: Sequence[Sequence[int]], alphabet: str) -> list[str]:
    """Return the texts of characters that are numbered from 1 on."""
    return [Alphabet(alphabet).decode(np.array(each, int) - 1) for each in numbers]


def _exact(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return for each text whether it is read without an error, (N,)."""
    pairs = zip(read_greedily(outputs, targets), labels_of(targets), strict=True)
    return np.array([read == true for read, true in pairs], float)


def _of_mixtures(mixtures: int, *, ends: bool) -> dict[str, Metric]:
    """Return the metrics of networks that write, see `ondevice.pen_mixture`.

    `nll` is in nats a step. `end_nll`, if they tell where a drawing ends, is in nats for each time that the
    pen is lifted, and not a part of `nll`.
    """
    size = columns(mixtures)

    def of_ends(outputs: np.ndarray, targets: np.ndarray) -> float | None:
        lifts = (targets[..., 2] > 0).sum()
        return float(end_nll(outputs[..., size], targets).sum() / lifts) if lifts else None

    nll = MeanOf(lambda outputs, targets: mean_nll(outputs[..., :size], targets), step_counts)
    return {"nll": nll, "end_nll": of_ends} if ends else {"nll": nll}


METRICS = _of_mixtures(HandwritingConfig.mixtures, ends=False)
OF_TEXTS: dict[str, Metric] = {"character_error": character_error_rate, "exact": MeanOf(_exact)}


def metrics_of(config: HandwritingConfig) -> Mapping[str, Metric]:
    """Return the metrics of what the network answers with."""
    if config.answer == "strokes":
        return _of_mixtures(config.mixtures, ends=config.given != "text")
    return OF_TEXTS if config.answer == "text" else OF_LABELS


def by_settings(config: HandwritingConfig) -> dict[str, Any]:
    """Return what the answer decides in the app, and whether a network is exported as a stream, too."""
    return {
        "metrics": metrics_of(config),
        "higher_is_better": config.answer == "label",
        "executions": lambda config: ("loop",) if config.bidirectional else ("loop", "step"),
    }


def baselines(
    config: HandwritingConfig, data: Data, features: Features, deployed: Any
) -> dict[str, dict[str, float]]:
    """Return the first metric, by test split, of simple methods.

    Of networks that write: the Gaussian walk, and a linear prediction from the two offsets before. Of labels:
    the commonest one, and that of the nearest training drawing. Of texts: that of the nearest line.
    """
    if config.answer == "strokes":
        return _of_strokes(data, features)
    from sklearn.neighbors import KNeighborsClassifier

    if config.answer == "label":
        return {"majority": majority(data), "nearest": fitted(data, KNeighborsClassifier(1), shapes)}
    train = data.splits["train"]
    nearest = KNeighborsClassifier(1).fit(shapes(train.inputs), np.arange(len(train)))
    found = {}
    for name in data.test_splits:
        drawings = data.splits[name].inputs
        texts = [train.inputs[row].label or "" for row in nearest.predict(shapes(drawings))]
        true = [each.label or "" for each in drawings]
        edits = sum(edit_distance(text, each) for text, each in zip(texts, true, strict=True))
        found[name] = edits / max(1, sum(map(len, true)))
    return {"nearest": found}


def _of_strokes(data: Data, features: Features) -> dict[str, dict[str, float]]:
    rows = Rows.of(dict(features.preprocessing))
    offsets = {name: [rows.offsets(each) for each in split.inputs] for name, split in data.splits.items()}
    methods: dict[str, Baseline] = {
        "walk": GaussianWalk(offsets["train"]),
        "linear": LinearSteps(offsets["train"]),
    }
    return {
        name: {split: nll(method, offsets[split]) for split in data.test_splits}
        for name, method in methods.items()
    }
