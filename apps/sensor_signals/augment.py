"""Augments training windows: size, filters, noise, waves, turned sensors, tempo, a preceding window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.data.windows import UNSCORED

from .config import SensorConfig

_TAPS = 9  # samples of a random filter


class Augment:
    """Changes every window of a batch at random.

    Args:
        config: how strong each change is.
        channels: the names of the channels. Three in a row that differ only in x, y, z are a sensor's axes.
        deviation: of each channel in training, (channels,).
        delay: the steps that a network sees after what it answers for.
    """

    def __init__(
        self, config: SensorConfig, channels: Sequence[str], deviation: np.ndarray, delay: float = 0.0
    ) -> None:
        self._config, self._delay = config, delay
        self._deviation = deviation.astype(np.float32)
        self._axes = list(_triples(channels))

    def __call__(
        self, windows: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the changed windows (batch, steps, packet * channels), and the targets.

        If another window precedes each one, there are twice as many steps.
        """
        config = self._config
        count, steps, _ = windows.shape
        x = windows.reshape(count, -1, len(self._deviation))
        if config.warp:
            x, targets = self._warped(x, targets, rng)
        if config.rotation:
            x = self._turned(x, rng)
        if config.coloring:
            x = _filtered(x, config.coloring, rng)
        x = x * rng.uniform(1 - config.scale, 1 + config.scale, (count, 1, 1)).astype(np.float32)
        x = x + config.jitter * self._deviation * rng.standard_normal(x.shape, np.float32)
        if config.wander:
            x = x + config.wander * self._deviation * self._waves(x.shape[1], count, rng)
        x = x.astype(np.float32).reshape(count, steps, -1)
        if targets.ndim == 1 and rng.random() < config.lead_in:
            x = np.concatenate([x[rng.permutation(count)], x], axis=1)
        return x, targets

    def _warped(
        self, x: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return windows (batch, samples, channels) played faster or slower around their middle.

        Targets of steps, (batch, steps), move with what they are for. Those before the first or after the
        last sample aren't scored.
        """
        samples = x.shape[1]
        rows = np.arange(len(x))[:, None]
        speed = 1 + self._config.warp * rng.uniform(-1, 1, (len(x), 1))
        if targets.ndim == 2:
            steps = targets.shape[1]
            middle = steps / 2 + self._delay
            old = np.floor((np.arange(steps) + 0.5 - middle) * speed + middle).astype(int)
            moved = targets[rows, np.clip(old, 0, steps - 1)]
            targets = np.where((old >= 0) & (old < steps), moved, UNSCORED)
        where = np.clip((np.arange(samples) - samples / 2) * speed + samples / 2, 0, samples - 1.001)
        left = where.astype(int)
        share = (where - left)[:, :, None].astype(np.float32)
        return x[rows, left] * (1 - share) + x[rows, left + 1] * share, targets

    def _turned(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angles = np.deg2rad(self._config.rotation) * rng.uniform(-1, 1, len(x))
        turns = np.stack([_rotation(rng.standard_normal(3), angle) for angle in angles]).astype(np.float32)
        x = x.copy()
        for axes in self._axes:
            x[:, :, axes] = x[:, :, axes] @ turns
        return x

    def _waves(self, samples: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return sums of two slow waves of the same height in all channels, (count, samples, 1)."""
        time = np.arange(samples, dtype=np.float32) / samples
        waves = np.zeros((count, samples, 1), np.float32)
        for _ in range(2):
            turns, phase, height = (rng.uniform(0, top, (count, 1)) for top in (10, 2 * np.pi, 1))
            waves[:, :, 0] += height * np.sin(2 * np.pi * turns * time + phase)
        return waves


def _triples(channels: Sequence[str]) -> list[list[int]]:
    """Return the places of the axes of each sensor with three: neighbours called, for example, ax, ay, az."""
    found = []
    for first, names in enumerate(zip(channels, channels[1:], channels[2:], strict=False)):
        stripped = {
            name.replace(axis, "", 1) for name, axis in zip(names, "xyz", strict=True) if axis in name
        }
        if len(stripped) == 1 and all(axis in name for axis, name in zip("xyz", names, strict=True)):
            found.append([first, first + 1, first + 2])
    return found


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Return the matrix of a rotation about `axis` (Rodrigues' formula)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _filtered(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return windows (batch, samples, channels) convolved with a random kernel each.

    The kernel is 1 in the middle plus normal numbers with the deviation `strength`, less at its ends.
    """
    reach = _TAPS // 2
    window = np.hanning(_TAPS + 2)[1:-1]
    kernels = strength * window * rng.standard_normal((len(x), _TAPS))
    kernels[:, reach] += 1
    padded = np.pad(x, [(0, 0), (reach, reach), (0, 0)], mode="edge")
    shifted = np.lib.stride_tricks.sliding_window_view(padded, _TAPS, axis=1)
    return np.einsum("nsct,nt->nsc", shifted, kernels.astype(np.float32), optimize=True)
