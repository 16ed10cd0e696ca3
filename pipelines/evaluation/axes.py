"""Label the axes of plots with numbers that people read at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_MOST_TICKS = 6
_STEPS = ((1, 2, 5), (1, 3), (1,))  # multiples of powers of ten, from the densest ticks to the sparsest


def plain_log_ticks(axis: Axis) -> None:
    """Label a logarithmic axis with few, plain numbers: 0.05 instead of 5 x 10^-2.

    Call it after everything is drawn, since the ticks depend on the range. If there are not two such numbers
    in the range, it gets ticks as on a linear axis.
    """
    low, high = sorted(axis.get_view_interval())
    candidates = [_ticks(low, high, steps) for steps in _STEPS]
    fitting = [ticks for ticks in candidates if 3 <= len(ticks) <= _MOST_TICKS]
    if len(candidates[0]) < 3:
        ticks = [tick for tick in MaxNLocator(_MOST_TICKS - 1).tick_values(low, high) if low <= tick <= high]
    elif fitting:
        ticks = fitting[0]
    else:
        ticks = candidates[-1][:: math.ceil(len(candidates[-1]) / _MOST_TICKS)]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def _ticks(low: float, high: float, steps: Sequence[int]) -> list[float]:
    """Return the multiples of powers of ten from `low` to `high`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def whole_numbers(axes: Axes, first: int, last: int) -> None:
    """Label the horizontal axis with whole numbers, from `first` to `last`, even if they are equal."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(first - 0.5, last + 0.5)
