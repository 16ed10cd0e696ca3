"""Simple classifiers of clips that a network must beat: what one frame tells, all frames without their order,
and a little of their order.

A clip is an array (T, ...), uint8 frames (T, rows, columns, colours) or joints (T, joints, 3). Joints should
be relative to the body, to the hip for example; where a person stands tells little.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Clips = Sequence[np.ndarray]
_CELLS = 8  # rows and columns of a frame as a forest sees it
_QUANTILES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
_TREES = 200
_PARTS = 3


def clip_answers(
    train: Clips,
    labels: Sequence[int] | np.ndarray,
    tests: Mapping[str, Clips],
    *,
    seed: int,
    methods: Sequence[str] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Fit random forests, and return the label that each gives each test clip, by method and split.

    Args:
        train: clips.
        labels: of `train`, whole numbers.
        tests: clips by split.
        seed: of the forests.
        methods: names in `METHODS`; None for all.
    """
    from sklearn.ensemble import RandomForestClassifier

    every = [clip for clips in (train, *tests.values()) for clip in clips]
    seen = [frame_features(clip) for clip in every]
    ends = np.cumsum([len(train), *(len(clips) for clips in tests.values())])
    answers: dict[str, dict[str, np.ndarray]] = {}
    for method in METHODS if methods is None else methods:
        rows = np.stack([METHODS[method](clip) for clip in seen])
        fitted, *others = np.split(rows, ends[:-1])
        forest = RandomForestClassifier(_TREES, random_state=seed, n_jobs=1).fit(fitted, np.asarray(labels))
        answers[method] = {
            name: np.asarray(forest.predict(some)) if len(some) else np.zeros(0, np.int64)
            for name, some in zip(tests, others, strict=True)
        }
    return answers


def frame_features(clip: np.ndarray) -> np.ndarray:
    """Return what a forest sees of each frame, (T, numbers); it does not depend on the frames' order.

    Of pictures that are the means of 8 x 8 cells, and the place, size and spread of what is bright and of
    what differs from the clip's usual picture. Of joints it is their places.
    """
    if clip.ndim == 3:
        return clip.reshape(len(clip), -1).astype(np.float64)
    grey = clip.mean(axis=-1) / 255
    cells = _halved(_halved(grey, 1), 2).reshape(len(grey), -1)
    level = grey.mean(axis=(1, 2), keepdims=True)
    bright = np.maximum(grey - level - grey.std(axis=(1, 2), keepdims=True), 0)
    moved = np.maximum(np.abs(grey - np.median(grey, axis=0)) - 0.1, 0)
    return np.concatenate([cells, level[:, 0], _region(bright), _region(moved)], axis=1)


def middle_frame(seen: np.ndarray) -> np.ndarray:
    """Return the features of the middle one of frames (T, numbers)."""
    return np.asarray(seen[len(seen) // 2])


def bag_of_frames(seen: np.ndarray) -> np.ndarray:
    """Return statistics that any other order of frames (T, numbers) has, too."""
    spread = seen.std(axis=0)
    quantiles = np.quantile(seen, _QUANTILES, axis=0).ravel()
    return np.concatenate([seen.mean(axis=0), spread, quantiles, [np.log(len(seen))]])


def ordered_frames(seen: np.ndarray) -> np.ndarray:
    """Return statistics of the whole, of its thirds, and of the steps from frame to frame."""
    steps = np.diff(seen, axis=0) if len(seen) > 1 else np.zeros_like(seen)
    edges = np.linspace(0, len(seen), _PARTS + 1).astype(int)
    parts = [seen[first : max(end, first + 1)] for first, end in itertools.pairwise(edges)]
    thirds = [number for part in parts for number in (part.mean(axis=0), part.std(axis=0))]
    moved = [parts[-1].mean(axis=0) - parts[0].mean(axis=0), np.abs(steps).mean(axis=0)]
    quantiles = np.quantile(steps, _QUANTILES, axis=0).ravel()
    return np.concatenate([bag_of_frames(seen), *thirds, *moved, quantiles])


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "middle_frame": middle_frame,
    "bag_of_frames": bag_of_frames,
    "ordered_frames": ordered_frames,
}
"""The features of a clip by the name of the method, from those of its frames."""


def _halved(grey: np.ndarray, axis: int) -> np.ndarray:
    """Return means of 8 stretches along an axis, nearly equal ones; shorter axes stay."""
    size = grey.shape[axis]
    if size <= _CELLS:
        return grey
    starts = np.linspace(0, size, _CELLS + 1).astype(int)
    counts = np.diff(starts).reshape([-1 if each == axis else 1 for each in range(grey.ndim)])
    return np.asarray(np.add.reduceat(grey, starts[:-1], axis=axis) / counts)


def _region(weights: np.ndarray) -> np.ndarray:
    """Return the mass of weights (T, rows, columns), the middle, and the spread around it, (T, 6)."""
    rows, columns = (np.arange(size) / size for size in weights.shape[1:])
    total = weights.sum(axis=(1, 2))
    by_row, by_column = weights.sum(axis=2), weights.sum(axis=1)
    safe = np.maximum(total, 1e-9)
    y, x = by_row @ rows / safe, by_column @ columns / safe
    across = by_column @ columns**2 / safe - x**2
    down = by_row @ rows**2 / safe - y**2
    slanted = np.einsum("tij,i,j->t", weights, rows, columns, optimize=True) / safe - x * y
    return np.stack([total, x, y, across, down, slanted], axis=1)
