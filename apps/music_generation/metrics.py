"""How probable music is to a network, and to simple models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipelines.data.examples import Data
from pipelines.evaluation.score import MeanOf

from .config import MusicConfig
from .features import Representation, prepared, representation_of, settings_of

if TYPE_CHECKING:
    from pipelines.evaluation.score import Metric


FLOOR = 1e-9
"""Smaller probabilities count as this, so that no single note weighs more than 21 nats."""


def nll_of_each(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each piece in nats a step, (N,).

        nll = - sum log p(target) / number of steps

    Outputs (N, steps, ..., classes), targets (N, steps, ...), negative behind the end of a piece. Frames of
    88 keys: nats a frame, summed over the keys. Tokens: nats a token.
    """
    valid = targets >= 0
    classes = np.where(valid, targets, 0).astype(np.intp)[..., None]
    chosen = np.take_along_axis(outputs, classes, axis=-1)[..., 0]
    losses = np.where(valid, -np.log(np.maximum(chosen, FLOOR)), 0).reshape(len(targets), -1)
    return losses.sum(axis=1, dtype=np.float64) / np.maximum(1, _steps_of_each(targets))


def _steps_of_each(targets: np.ndarray) -> np.ndarray:
    return _steps(targets >= 0).sum(axis=1)


nll = MeanOf(nll_of_each, _steps_of_each)
"""The negative log-likelihood in nats a step, mean over all steps of all pieces: see `nll_of_each`."""


def accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of steps of which all is most probable as it is: whole frames, or tokens."""
    valid = targets >= 0
    right = (outputs.argmax(axis=-1) == targets) | ~valid
    steps = _steps(valid)
    return float((right.reshape(*steps.shape, -1).all(axis=-1) & steps).sum() / steps.sum())


def _steps(valid: np.ndarray) -> np.ndarray:
    return np.asarray(valid.reshape(*valid.shape[:2], -1).any(axis=-1))


METRICS: dict[str, Metric] = {"nll": nll, "accuracy": accuracy}


def baselines(config: MusicConfig, data: Data) -> dict[str, dict[str, float]]:
    """Score models without a network on every test split, in the unit of `nll`.

    uniform: all alike. independent: how often each key sounds, or each voice has each token, in train.
    repeat: the same, by what the key or voice did at the step before.
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
        table = _table(targets["train"], representation.classes, order)
        results[name] = {
            split: _score(targets[split], table, order, representation) for split in data.test_splits
        }
    return results


def _table(pieces: Sequence[np.ndarray], classes: int, order: int) -> np.ndarray:
    """Return p(class | class before, place): (classes, places, classes); one added to each count."""
    places = np.arange(pieces[0].shape[1])
    counts = np.zeros((classes, len(places), classes))
    for piece in pieces if order >= 0 else ():
        np.add.at(counts, (_before(piece), places[None], piece), 1)
    if order == 0:
        counts[:] = counts.sum(axis=0)
    counts += 1
    return counts / counts.sum(axis=-1, keepdims=True)


def _score(
    pieces: Sequence[np.ndarray], table: np.ndarray, order: int, representation: Representation
) -> float:
    total, count = 0.0, 0
    for piece in pieces:
        total -= np.log(table[_before(piece), np.arange(piece.shape[1])[None], piece]).sum()
        count += piece.size if representation.tokens else len(piece)
    return float(total / count)


def _before(piece: np.ndarray) -> np.ndarray:
    """Return what was at each place one step before; class 0 before the first."""
    return np.vstack([np.zeros_like(piece[:1]), piece[:-1]])
