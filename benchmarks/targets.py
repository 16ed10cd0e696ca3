"""The speed and memory that the layers should reach, compared with those in a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .contenders import CELLS
from .memory import CHECKPOINTED, PLAIN_LOOP

SIZES = ("1x50x32x64", "8x50x32x64", "32x100x64x128", "64x200x128x128", "32x400x64x256")
Reached = Callable[[dict[str, Any]], float]


def targets(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each target.

    Args:
        record: a record of `benchmarks.speed`, possibly of some parts only.

    Returns:
        For each target its text (`goal`), the least value (`at_least`), the value in the record (`reached`)
        and whether it is met (`met`). The last two are None if the record lacks the measurement.
    """
    return [_compared(record, *goal) for goal in _GOALS]


def _compared(record: dict[str, Any], goal: str, at_least: float, reached: Reached) -> dict[str, Any]:
    try:
        value = reached(record)
    except KeyError:
        value = None
    met = None if value is None else value >= at_least
    return {"goal": goal, "at_least": at_least, "reached": value, "met": met}


def _training_step(record: dict[str, Any], against: str, size: str) -> float:
    """Return the geometric mean over the cells; raises KeyError if it was not measured."""
    by_size = {each["size"]: each["ratios"] for each in record["means"] if each["pass"] == "train"}
    if size == "all" and not set(SIZES) <= set(by_size):
        raise KeyError(size)
    return by_size[size][against]["median"]


def _least(
    record: dict[str, Any], which: str, against: str, *, cells: Sequence[str], sizes: Sequence[str]
) -> float:
    """Return the smallest ratio of these cells at these sizes; raises KeyError if one was not measured."""
    found = {
        (each["cell"], each["size"]): each["ratios"] for each in record["cells"] if each["pass"] == which
    }
    return min(found[cell, size][against]["median"] for cell in cells for size in sizes)


def _slowest_compiled_alike(record: dict[str, Any]) -> float:
    """Return the smallest ratio of a forward pass if XLA compiles the function around ours, too."""
    forward = [each["ratios"] for each in record["cells"] if each["pass"] == "forward"]
    return min(each["keras_jit"]["median"] / each["ours_jit"]["median"] for each in forward)


def _forward_over_all(record: dict[str, Any]) -> float:
    means = {each["size"]: each["ratios"] for each in record["means"] if each["pass"] == "forward"}
    if not set(SIZES) <= set(means):
        raise KeyError("all")
    return means["all"]["torch"]["median"]


def _slowest(record: dict[str, Any]) -> float:
    return min(_training_step(record, "keras", size) for size in SIZES)


def _lstm(record: dict[str, Any], sizes: Sequence[str]) -> float:
    return _least(record, "train", "torch", cells=["LSTM"], sizes=sizes)


def _memory_saved(record: dict[str, Any]) -> float:
    variants = record["memory"]["variants"]
    return variants[PLAIN_LOOP]["added_mb"] / variants[CHECKPOINTED]["added_mb"]


_GOALS: tuple[tuple[str, float, Reached], ...] = (
    ("training step at 8x50x32x64, times keras", 3.0, lambda r: _training_step(r, "keras", SIZES[1])),
    ("training step at 32x100x64x128, times keras", 1.5, lambda r: _training_step(r, "keras", SIZES[2])),
    ("training step at the slowest size, times keras", 1.0, _slowest),
    (
        "training step of the slowest cell and size, times keras",
        1.0,
        lambda r: _least(r, "train", "keras", cells=CELLS, sizes=SIZES),
    ),
    ("training step at 8x50x32x64, times torch", 1.3, lambda r: _training_step(r, "torch", SIZES[1])),
    ("training step over all sizes, times torch", 0.9, lambda r: _training_step(r, "torch", "all")),
    ("LSTM's training step at 8x50x32x64, times torch", 1.0, lambda r: _lstm(r, SIZES[1:2])),
    (
        "LSTM's training step at the slowest of the larger sizes, times torch",
        0.9,
        lambda r: _lstm(r, SIZES[2:]),
    ),
    (
        "forward pass of the slowest cell and size, times keras with jit_compile",
        1.0,
        lambda r: _least(r, "forward", "keras_jit", cells=CELLS, sizes=SIZES),
    ),
    (
        "the same, ours in a function with jit_compile too",
        1.0,
        _slowest_compiled_alike,
    ),
    ("forward pass over all sizes, times torch", 0.8, _forward_over_all),
    ("sentiment epoch, times keras", 2.0, lambda r: r["epoch"]["ratios"]["keras"]["median"]),
    ("2,000 steps, memory of the plain loop over checkpoint_every=50", 1.0, _memory_saved),
)
