"""The largest error that each precision may have: one table, with a reason for each number.

A task metric shows what an error costs, so single outputs may then have larger errors. Without a metric,
only the outputs can be compared: the decisions of classes, and the errors of numbers against their spread.
"""

from __future__ import annotations

from typing import NamedTuple


class Tolerance(NamedTuple):
    """The bounds of one precision."""

    share_of_spread: float
    """Without a task metric, for numbers: the root mean square error, as a share of their deviation."""
    lost_decisions: float
    """Without a task metric, for probabilities of classes: the share of cases in which another class is
    chosen, clearly less probable in Keras. For integer outputs: the share of examples that differ."""
    divergence: float
    """Without a task metric, for probabilities of classes: their mean divergence from Keras, in nats."""
    max_abs_error: float
    """With a task metric: the largest error of an output. For probabilities no error is above 1; for other
    numbers it is a share of their range, if they range over more than 1."""
    different_answers: float
    """With a task metric, for integer outputs (such as the words of a sentence): the share of examples that
    differ. The metric shows how good those outputs are."""
    metric_loss: float
    """The share of the metric's value in Keras that may be lost."""
    metric_noise: float = 0.0
    """With N examples, a loss of metric_noise / sqrt(N) is allowed even if it exceeds `metric_loss`."""
    outliers: float = 0.0
    """With a task metric: the share of outputs that may exceed `max_abs_error`. The metric limits their
    cost."""
    outliers_of_spread: float = 0.01
    """Without a task metric: the share of numbers whose error may exceed OUTLIER_FACTOR times that of all."""


OUTLIER_FACTOR = 5.0
"""In a normal distribution, an error of five standard deviations does not happen."""


# The bounds also suit small networks that were hardly trained. tests/apps/test_results.py checks the
# recorded, trained networks against tighter ones.
TOLERANCES = {
    "float32": Tolerance(
        share_of_spread=1e-4,  # each operation rounds by 6e-8 of a value, over some hundred steps
        lost_decisions=0.001,  # a rare example with two equally likely classes
        divergence=1e-8,  # an error of 1e-4 in each logit diverges by half of this
        max_abs_error=1e-4,  # the same: probabilities range over 1
        different_answers=0.01,  # two words may be equally likely, and the later words follow the first
        metric_loss=0.002,  # a rare example with two equally likely classes
        outliers_of_spread=0.0,  # an error of that size is a fault, not rounding
    ),
    "float16": Tolerance(
        share_of_spread=0.02,  # weights keep 11 bits (an error of 5e-4): logits of 10 shift by hundredths
        lost_decisions=0.005,  # only close choices turn
        divergence=1e-3,  # logits that shift by hundredths diverge by 1e-4
        max_abs_error=0.02,  # the same shift of the logits
        different_answers=0.2,  # one close choice in a sentence is enough, and a sentence has many
        metric_loss=0.005,  # only close choices turn, and they turn both ways
    ),
    "dynamic_int8": Tolerance(
        share_of_spread=0.15,  # weights and activations keep 8 bits, and errors add up over the steps
        lost_decisions=0.02,  # as in metric_loss
        divergence=0.03,  # logits that shift by a quarter diverge by so much
        max_abs_error=0.3,  # logits shift by up to 1, which moves a probability by up to .25
        different_answers=1.0,  # nearly every sentence has a close choice: the metric alone decides
        metric_loss=0.02,  # 8 bits may cost a small network two answers in a hundred
    ),
    "int8": Tolerance(
        share_of_spread=0.25,  # like dynamic_int8; also, values outside the calibrated range are clipped
        lost_decisions=0.04,  # as in metric_loss
        divergence=0.06,  # twice that of dynamic_int8: activations have fixed ranges
        max_abs_error=0.5,  # the same clipping
        different_answers=1.0,  # like dynamic_int8
        metric_loss=0.04,  # twice that of dynamic_int8: activations have fixed ranges
        metric_noise=1.0,  # one standard deviation of an accuracy is at most .5 / sqrt(N): two of them
        outliers=1e-4,  # networks that answer at every step give millions of outputs: one is a coin toss
    ),
    "int16x8": Tolerance(
        share_of_spread=0.1,  # weights keep 8 bits, activations 16: less is lost than in int8
        lost_decisions=0.01,  # as in metric_loss
        divergence=0.03,  # the weights are those of dynamic_int8
        max_abs_error=0.3,  # the weights are those of dynamic_int8
        different_answers=1.0,  # like dynamic_int8
        metric_loss=0.01,  # half of dynamic_int8: the activations are almost exact
        metric_noise=0.5,  # one standard deviation, since fewer answers turn than in int8
    ),
    "int4": Tolerance(
        share_of_spread=0.5,  # steps are 16 times those of 8 bits: a product is off by a tenth of its spread
        lost_decisions=0.08,  # as in metric_loss
        divergence=0.15,  # five times that of dynamic_int8; trained speech networks have .003 to .02
        max_abs_error=0.8,  # a close choice may turn altogether
        different_answers=1.0,  # like dynamic_int8
        metric_loss=0.08,  # twice that of int8; tests/apps/test_results.py allows recorded networks far less
        metric_noise=1.0,  # like int8
        outliers=1e-3,  # every choice that turns is an error of .5 and more
    ),
}
