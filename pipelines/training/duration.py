"""How long a training takes on this machine, from what was recorded and how fast this machine is."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..config import Config, from_dict

_BATCH, _UNITS = 64, 128
_LEAST_SHARE = 0.5
"""Minutes are never scaled to less: two seconds may have been the busiest ones of a recorded training."""


@functools.cache
def machine_speed(seconds: float = 2.0) -> float:
    """Return how many steps of a small GRU this machine computes in a second, in NumPy.

    The measurement takes `seconds`, once in a process. What else runs on the machine counts as well, since
    it will also slow down a training.
    """
    rng = np.random.default_rng(0)
    kernel = rng.normal(scale=0.1, size=(_UNITS, 3 * _UNITS)).astype(np.float32)
    state = np.zeros((_BATCH, _UNITS), np.float32)
    started, steps = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < seconds:
        state = _step(state, kernel)
        steps += 1
    return steps / elapsed


def _step(state: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    update, reset, candidate = np.split(state @ kernel, 3, axis=1)
    update = 1 / (1 + np.exp(-update))
    return update * state + (1 - update) * np.tanh(candidate * (1 / (1 + np.exp(-reset))) + 1)


def expected_minutes(record: Mapping[str, Any], *, speed: float, work: float = 1.0) -> float:
    """Return how many minutes a training takes on a machine of the given speed.

    Args:
        record: a preset's entry in results.json. Without "machine_speed", its minutes are not scaled.
        speed: of `machine_speed`.
        work: the work of the training, as a multiple of that of the recorded one.
    """
    slower = record.get("machine_speed", speed) / speed
    return work * record["training_minutes"] * max(slower, _LEAST_SHARE)


def said(record: Mapping[str, Any] | None, config: Config, examples: Mapping[str, int]) -> str | None:
    """Return how long a training takes, as a sentence; None without a record of its preset.

    Args:
        record: the preset's entry in results.json, if there is one.
        config: the settings of the training.
        examples: the number of examples by split.
    """
    if record is None:
        return None
    recorded = from_dict(type(config), record["config"])
    work = _shown_examples(config, examples) / _shown_examples(recorded, record["examples"])
    minutes = expected_minutes(record, speed=machine_speed(), work=work)
    return f"up to {rounded(minutes)} of training on this machine, by the record of its preset"


def _shown_examples(config: Config, examples: Mapping[str, int]) -> float:
    """Return how many examples the network sees in all epochs."""
    before = config.pretraining_epochs
    return before * examples.get("pretraining", 0) + (config.epochs - before) * examples["train"]


def rounded(minutes: float) -> str:
    """Return minutes as people say them: "40 s", "3 min"."""
    return f"{max(10, round(minutes * 6) * 10)} s" if minutes < 1.5 else f"{math.ceil(minutes)} min"
