"""Tell answers that are not to be relied on, by a threshold that is chosen on the validation split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ondevice.bundle import Bundle

if TYPE_CHECKING:
    from ..evaluation.outcome import Outcome

SHARE = 0.1
"""The share of the validation examples whose answers are called unsure."""


def threshold(outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return the probability below which an answer is unsure, and what is known of such answers.

    Args:
        outputs: probabilities (N, labels) on the validation split.
        targets: label numbers (N,).

    Returns:
        `below`: the tenth of the examples with the least sure answers has a largest probability below it.
        `right`, `right_above`: the share of right answers below it, and from it on, if there are any.
    """
    largest, right = outputs.max(axis=1), outputs.argmax(axis=1) == targets
    below = round(float(np.quantile(largest, SHARE)), 4)
    shares = {"right": right[largest < below], "right_above": right[largest >= below]}
    known = {name: round(float(each.mean()), 4) if each.size else None for name, each in shares.items()}
    return {"below": below} | {name: value for name, value in known.items() if value is not None}


def facts(config: Any, outcome: Outcome) -> dict[str, Any]:
    """Return the manifest's entry "unsure": the `threshold` on the validation split."""
    from ..evaluation.predictors import KerasPredictor

    features = outcome.features
    outputs = KerasPredictor(outcome.deployed)(features.inputs["validation"])
    return {"unsure": threshold(outputs, features.targets["validation"])}


def is_unsure(bundle: Bundle, probabilities: np.ndarray) -> dict[str, Any]:
    """Return whether an answer (labels,) is unsure, and the threshold; nothing if the bundle has none."""
    below = bundle.manifest.get("unsure", {}).get("below")
    return {} if below is None else {"unsure": bool(probabilities.max() < below), "unsure_below": below}
