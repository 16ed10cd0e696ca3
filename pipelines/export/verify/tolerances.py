"""How far a variant may be from the Keras model: one table, with a reason beside each number.

Where a task metric says what an error costs, single outputs may be further off. Without one, the error of the
outputs is all there is to go by.
"""

from __future__ import annotations

from typing import NamedTuple


class Tolerance(NamedTuple):
    """The bounds of one precision."""

    share_of_range: float
    """Without a task metric: the largest error of an output, as a share of the range of its values. For an
    output of whole numbers: the share of examples with a different answer."""
    max_abs_error: float
    """With a task metric: the largest error of an output. Outputs are probabilities, so 1 is everything."""
    different_answers: float
    """With a task metric, for outputs of whole numbers (such as the words of a sentence): the share of
    examples with a different answer. The metric says how good these answers are."""
    metric_loss: float
    """The share of the metric's value in Keras that may be lost."""
    metric_noise: float = 0.0
    """With N examples, metric_noise / sqrt(N) may be lost as well."""
    outliers: float = 0.0
    """With a task metric: the share of outputs that are exempt from `max_abs_error`. The metric bounds what
    they cost."""


# The bounds hold for small networks that were hardly trained, too. tests/apps/test_results.py holds the
# recorded, trained networks to closer ones.
TOLERANCES = {
    "float32": Tolerance(
        share_of_range=1e-4,  # each operation rounds by 6e-8 of a value, over some hundred steps
        max_abs_error=1e-4,  # the same: probabilities range over 1
        different_answers=0.01,  # two words may be equally likely, and the later words follow the first
        metric_loss=0.002,  # a rare example with two equally likely classes
    ),
    "float16": Tolerance(
        share_of_range=0.02,  # weights keep 11 bits (an error of 5e-4): logits of 10 shift by hundredths
        max_abs_error=0.02,  # the same shift of the logits
        different_answers=0.2,  # one close choice in a sentence is enough, and a sentence has many
        metric_loss=0.005,  # only close choices turn, and they turn both ways
    ),
    "dynamic_int8": Tolerance(
        share_of_range=0.15,  # weights and activations keep 8 bits, and errors add up over the steps
        max_abs_error=0.3,  # logits shift by up to 1, which moves a probability by up to .25
        different_answers=1.0,  # nearly every sentence has a close choice: the metric alone decides
        metric_loss=0.02,  # two answers in a hundred are what 8 bits may cost a small network
    ),
    "int8": Tolerance(
        share_of_range=0.3,  # as dynamic_int8, and values beyond the calibrated range are cut off
        max_abs_error=0.5,  # the same cut
        different_answers=1.0,  # as dynamic_int8
        metric_loss=0.04,  # twice that of dynamic_int8: activations have fixed ranges
        metric_noise=1.0,  # one standard deviation of an accuracy is at most .5 / sqrt(N): two of them
        outliers=1e-4,  # networks that answer at every step give millions of outputs: one is a coin toss
    ),
    "int16x8": Tolerance(
        share_of_range=0.1,  # weights keep 8 bits, activations 16: less is lost than in int8
        max_abs_error=0.3,  # the weights are those of dynamic_int8
        different_answers=1.0,  # as dynamic_int8
        metric_loss=0.01,  # half of dynamic_int8: the activations are almost exact
        metric_noise=0.5,  # one standard deviation, since fewer answers turn than in int8
    ),
}
