"""Scores music by its likelihood, and n-gram models that the network must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.data.examples import Data, Features
from pipelines.tasks.generation import ngram_nll, ngram_probabilities, nll, step_accuracy

from .config import MusicConfig
from .features import prepared, representation_of, settings_of

if TYPE_CHECKING:
    from pipelines.evaluation.score import Metric

METRICS: dict[str, Metric] = {"nll": nll, "accuracy": step_accuracy}


def baselines(
    config: MusicConfig, data: Data, features: Features, deployed: Any
) -> dict[str, dict[str, float]]:
    """Return the `nll` of n-gram models on every test split.

    uniform: all classes are equally probable. independent: how often each key sounds, or each voice has each
    token, in the training split. repeat: the same, given the previous step of the key or voice.
    """
    settings = settings_of(config)
    representation = representation_of(settings)
    targets = {
        name: [
            representation.by_place(representation.encode(prepared(piece, settings))[1])
            for piece in data.splits[name].inputs
        ]
        for name in ("train", *data.test_splits)
    }
    results: dict[str, dict[str, float]] = {}
    for name, order in (("uniform", -1), ("independent", 0), ("repeat", 1)):
        probabilities = ngram_probabilities(targets["train"], representation.classes, order)
        results[name] = {}
        for split in data.test_splits:
            pieces = targets[split]
            steps = sum(piece.size if representation.tokens else len(piece) for piece in pieces)
            results[name][split] = ngram_nll(pieces, probabilities, steps)
    return results
