"""Metrics and targets of networks that answer with a label at every step, or with events."""

from __future__ import annotations

import numpy as np

from ..data.examples import Data, Examples
from ..data.windows import NO_EVENT, UNSCORED
from ..evaluation.score import Metric
from ..ondevice.bundle import Bundle
from .classification import accuracy as accuracy_of_examples
from .classification import label_targets
from .classification import macro_f1 as macro_f1_of_examples


def scored(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs (M, labels) and targets (M,) of all that is scored.

    Of windows this is every window, (N, labels) and (N,). Of (N, steps, labels) and (N, steps) it is every
    step with a target. If there are events, each one counts once: by the mean over its steps, without the
    last label, which stands for no event.
    """
    if targets.ndim == 1:
        return outputs, targets
    outputs = outputs[:, : targets.shape[1]]
    if not (targets == NO_EVENT).any():
        chosen = targets != UNSCORED
        return outputs[chosen], targets[chosen]
    before = np.pad(targets, ((0, 0), (1, 0)), constant_values=NO_EVENT)[:, :-1]
    starts = ((targets != before) & (targets >= 0)).ravel()
    inside = (targets >= 0).ravel()
    number = np.cumsum(starts)[inside] - 1
    found = np.zeros((starts.sum(), outputs.shape[-1] - 1))
    np.add.at(found, number, outputs.reshape(-1, outputs.shape[-1])[inside, :-1])
    return found, targets.ravel()[starts]


def macro_f1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the F1 averaged over the labels that the targets have; see `scored`."""
    outputs, targets = scored(outputs, targets)
    return macro_f1_of_examples(outputs, targets) if len(targets) else 0.0


def accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of what is scored whose most probable label is correct; see `scored`."""
    outputs, targets = scored(outputs, targets)
    return accuracy_of_examples(outputs, targets) if len(targets) else 0.0


METRICS: dict[str, Metric] = {"macro_f1": macro_f1, "accuracy": accuracy}
"""The metrics of windows, steps and events. Where some labels are rare, accuracy says little."""


def step_targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets (N, steps) of `examples`, numbered as the bundle numbers its labels.

    Raises:
        UserError: the data has a label that the bundle does not have.
    """
    known = examples.targets >= 0
    numbers = label_targets(bundle, data, Examples([], np.where(known, examples.targets, 0)))
    return np.where(known, numbers, examples.targets)


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new windows as the bundle numbers its labels: (N,) or (N, steps)."""
    return (label_targets if examples.targets.ndim == 1 else step_targets)(bundle, data, examples)
