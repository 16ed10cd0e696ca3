"""What the network reads of a drawing: a row for each offset of the pen. numpy only.

A row of a network that writes has dx, dy and the pen of the offset before, in units of the training set's
deviations, and behind them the numbers of the text's characters (or of the label), the same in every row. So
the network has one input, which it can read step by step. Its rows behind the end of a drawing, which are
never scored, have the drawing once more: rows that no pen makes would widen the ranges that integer files
are made for, and errors there would count. A network that reads has the offset itself; its rows of padding
are zeros, which no pen that moves has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.data.strokes import Drawing, to_offsets
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.pen_mixture import PADDING

OFFSET = 3
"""The columns of a row that are an offset: dx, dy and the pen."""
START = (0.0, 0.0, 0.0)
"""The offset before the first one."""


@dataclass(frozen=True)
class Rows:
    """How drawings become rows.

    Args:
        deviation: of dx and of dy in the training split.
        steps: the number of rows.
        characters: the number of columns for what the network is told; 1 for a label, 0 for nothing.
        alphabet: the characters of texts.
        labels: the labels that the network can be told.
        ahead: whether a row has the offset before the one that is its target.
    """

    deviation: tuple[float, float]
    steps: int
    characters: int
    alphabet: str
    labels: tuple[str, ...]
    ahead: bool

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Rows:
        """Return what the manifest of a bundle says; see `settings`."""
        names = ("steps", "characters", "alphabet", "ahead")
        x, y = settings["deviation"]
        return cls((x, y), labels=tuple(settings["told_labels"]), **{name: settings[name] for name in names})

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments as values that JSON can hold."""
        return {
            "deviation": list(self.deviation),
            "steps": self.steps,
            "characters": self.characters,
            "alphabet": self.alphabet,
            "told_labels": list(self.labels),
            "ahead": self.ahead,
        }

    def offsets(self, drawing: Drawing) -> np.ndarray:
        """Return the offsets of a drawing in units of the deviations, (N, 3), at most as many as rows."""
        found = to_offsets(drawing.points)[: self.steps]
        return found / np.array([*self.deviation, 1.0], np.float32)

    def told(self, text: str | None) -> np.ndarray:
        """Return what a network that writes is told, (characters,) float32, 0 behind it.

        Args:
            text: the text or the label; None for nothing. Unknown characters are left out, and so are those
                behind the last column.

        Raises:
            UserError: the label is unknown.
        """
        row = np.zeros(self.characters, np.float32)
        if self.labels:
            if text is None:  # a drawing without a label is scored without one
                return row
            if text not in self.labels:
                raise UserError(f"expected one of the labels {', '.join(self.labels)}, got {text!r}")
            row[0] = 1 + self.labels.index(text)
        elif self.characters:
            numbers = 1 + Alphabet(self.alphabet).encode(text or "")[: self.characters]
            row[: len(numbers)] = numbers
        return row

    def inputs(self, drawing: Drawing) -> np.ndarray:
        """Return the rows of a drawing, (steps, 3 + characters)."""
        offsets = self.offsets(drawing)
        rows = np.zeros((self.steps, OFFSET + self.characters), np.float32)
        if self.ahead:
            rows[:, :OFFSET] = np.resize(np.concatenate([[START], offsets[:-1]]), (self.steps, OFFSET))
        else:
            rows[: len(offsets), :OFFSET] = offsets
        rows[:, OFFSET:] = self.told(drawing.label)
        return rows

    def of_all(self, drawings: Sequence[Drawing]) -> np.ndarray:
        """Return the rows of drawings, (N, steps, 3 + characters)."""
        if not drawings:
            raise UserError("expected a drawing, found none")
        return np.stack([self.inputs(each) for each in drawings])

    def targets(self, drawing: Drawing) -> np.ndarray:
        """Return the offsets of a drawing, with the pen `PADDING` behind them, and where it ends: (steps, 4).

        The last column is 1 for the last offset, unless the drawing is cut.
        """
        offsets = self.offsets(drawing)
        rows = np.zeros((self.steps, OFFSET + 1), np.float32)
        rows[:, 2] = PADDING
        rows[: len(offsets), :OFFSET] = offsets
        rows[len(offsets) - 1, OFFSET] = len(drawing.points) - 1 == len(offsets)
        return rows


def deviations(drawings: Sequence[Drawing]) -> tuple[float, float]:
    """Return the deviations of dx and dy over all offsets; 1 where nothing moves."""
    x, y = np.concatenate([to_offsets(each.points)[:, :2] for each in drawings]).std(axis=0).tolist()
    return x or 1.0, y or 1.0
