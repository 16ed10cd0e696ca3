"""Drawings as shapes of one size, and a reader of shapes that knows nothing of networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.strokes import Drawing

_POINTS = 32


def shapes(drawings: Sequence[Drawing], *, by_length: bool = False) -> np.ndarray:
    """Return 32 points of each drawing, one after the other, in heights or widths, whichever is larger.

    Args:
        drawings: at least one; the ways between their strokes count as those of the pen on the paper.
        by_length: whether the points are at equal lengths of the way; otherwise every so many points.

    Returns:
        (N, 96): x, y and pen of each point.
    """
    found = []
    for each in drawings:
        ways = np.diff(each.points[:, :2], axis=0)
        known = np.cumsum([0.0, *(np.hypot(*ways.T) if by_length else np.ones(len(ways)))])
        places = np.linspace(0, known[-1], _POINTS)
        shape = np.stack([np.interp(places, known, column) for column in each.points.T], axis=1)
        shape[:, :2] -= shape[:, :2].min(axis=0)
        shape[:, :2] /= max(shape[:, :2].max(), 1e-9)
        found.append(shape.ravel())
    return np.stack(found)


class ShapeReader:
    """Reads the labels of drawings with a support vector machine on their shapes, by length.

    It is independent of the network that drew them, and of how fast that moves its pen.

    Args:
        drawings: real ones with their labels, of at least two labels.
    """

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        from sklearn.svm import SVC

        self._machine = SVC(C=10.0).fit(shapes(drawings, by_length=True), [each.label for each in drawings])

    def share_right(self, drawings: Sequence[Drawing]) -> float:
        """Return the share of drawings that are read as their label."""
        read = self._machine.predict(shapes(drawings, by_length=True))
        return float(np.mean(read == np.array([each.label for each in drawings])))
