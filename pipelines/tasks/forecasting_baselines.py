"""Simple methods that a network of series must beat: the last value, the last season, ridge regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

_PENALTIES = tuple(10.0**power for power in range(-1, 6))
_CHUNK = 256


class Rows(Protocol):
    """An array, or what reads like one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> np.ndarray: ...


def last_value(past: np.ndarray, horizon: int) -> np.ndarray:
    """Return the last step of the past (N, steps, targets) for all steps, (N, horizon, targets)."""
    return np.repeat(past[:, -1:], horizon, axis=1)


def last_season(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last season of the past, repeated: (N, horizon, targets).

    If the past is shorter than a season, all of it is repeated.
    """
    season = min(season, past.shape[1])
    return past[:, past.shape[1] - season + np.arange(horizon) % season]


class Ridge:
    """Linear regression with a penalty on differences from the last value, as in NLinear.

    The weight of the penalty is the one of seven, from 0.1 to 100,000, with the least squared error on the
    validation split. All numbers are computed from sums over examples, so that many examples fit in memory.

    Args:
        steps: how many steps of the past are used.
        shared: one set of weights for all targets, each from its own past (NLinear); otherwise each target
            has its own, from all columns.
    """

    def __init__(self, steps: int, *, shared: bool) -> None:
        self._steps, self._shared = steps, shared
        self._weights = np.zeros((0, 0))

    def fit(self, inputs: Mapping[str, Rows], targets: Mapping[str, Rows]) -> Ridge:
        """Learn from `train`, and choose the penalty on `validation`.

        Args:
            inputs: by split, (N, look_back, columns) on the scale that is scored; targets come first.
            targets: by split, (N, horizon, targets) on the same scale, NaN where a value is missing.
        """
        sums = {split: self._sums(inputs[split], targets[split]) for split in ("train", "validation")}
        gram, cross, _ = sums["train"]
        best = np.inf
        for penalty in _PENALTIES:
            diagonal = np.full(len(gram), penalty)
            diagonal[-1] = 1e-9  # the bias has none
            weights = np.linalg.solve(gram + np.diag(diagonal), cross)
            of_validation = sums["validation"]
            error = (
                of_validation[2]
                - 2 * (weights * of_validation[1]).sum()
                + (weights * (of_validation[0] @ weights)).sum()
            )
            if error < best:
                best, self._weights = error, weights
        return self

    def __call__(self, past: np.ndarray, horizon: int, targets: int) -> np.ndarray:
        """Return forecasts (N, horizon, targets) from the past (N, look_back, columns)."""
        last = past[:, -1, :targets]
        answers = self._rows(past, targets) @ self._weights
        if self._shared:
            answers = answers.reshape(len(past), targets, horizon).transpose(0, 2, 1)
        return answers.reshape(len(past), horizon, targets) + last[:, None]

    def _rows(self, past: np.ndarray, targets: int) -> np.ndarray:
        """Return the regressors: differences from the last value of each target, other columns, and 1."""
        past = past[:, -self._steps :].astype(np.float64)
        own = past[..., :targets] - past[:, -1:, :targets]
        if self._shared:
            rows = own[:, :-1].transpose(0, 2, 1).reshape(len(past) * targets, -1)
        else:  # the level of each target, its differences, and all other columns at the last step
            parts = (past[:, -1], own[:, :-1])
            rows = np.concatenate([part.reshape(len(past), -1) for part in parts], axis=1)
        return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)

    def _sums(self, inputs: Rows, targets: Rows) -> tuple[np.ndarray, np.ndarray, float]:
        gram, cross, square = np.zeros(()), np.zeros(()), 0.0
        for start in range(0, len(inputs), _CHUNK):
            past, wanted = inputs[start : start + _CHUNK], targets[start : start + _CHUNK].astype(np.float64)
            count = wanted.shape[2]
            rows = self._rows(past, count)
            differences = wanted - past[:, -1:, :count]
            if self._shared:
                differences = differences.transpose(0, 2, 1).reshape(len(rows), -1)
            differences = differences.reshape(len(rows), -1)
            known = ~np.isnan(differences).any(axis=1)
            rows, differences = rows[known], differences[known]
            gram, cross = gram + rows.T @ rows, cross + rows.T @ differences
            square += float(np.square(differences).sum())
        return gram, cross, square
