"""Ticks that people can read: plain, few, apart from each other."""

import math

import pytest
from matplotlib.figure import Figure

from pipelines.evaluation.axes import plain_log_ticks, whole_numbers


def labels(axis):
    """Return the labels inside the axis."""
    low, high = axis.get_view_interval()
    pairs = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
    return [label.get_text().replace("\N{MINUS SIGN}", "-") for at, label in pairs if low <= at <= high]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.03, 8, ["0.03", "0.1", "0.3", "1", "3"]),
        (0.009, 0.06, ["0.01", "0.02", "0.05"]),
        (0.002, 900, ["0.01", "0.1", "1", "10", "100"]),
        (0.05, 0.061, ["0.05", "0.0525", "0.055", "0.0575", "0.06"]),
        (1e-21, 1.5, ["1e-21", "1e-17", "1e-13", "1e-09", "1e-05", "0.1"]),
    ],
)
def test_a_logarithmic_axis_has_a_few_plain_numbers(low, high, expected):
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=(low, high))
    plain_log_ticks(axes.yaxis)
    assert labels(axes.yaxis) == expected
    assert not axes.yaxis.get_minorticklocs().size
    spaces = [math.log(b / a) for a, b in zip(axes.get_yticks(), axes.get_yticks()[1:], strict=False)]
    assert min(spaces) > 0.1 * math.log(high / low)


@pytest.mark.parametrize(("last", "expected"), [(1, ["1"]), (2, ["1", "2"]), (4, ["1", "2", "3", "4"])])
def test_epochs_are_whole_even_if_there_is_one(last, expected):
    axes = Figure().subplots()
    axes.plot(range(1, last + 1), [0.5] * last)
    whole_numbers(axes, 1, last)
    assert labels(axes.xaxis) == expected
