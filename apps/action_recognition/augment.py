"""Changes training clips: tempo, place, light and noise of pictures; size, turn and noise of joints."""

from __future__ import annotations

import numpy as np

from .config import ActionConfig


class Augment:
    """Changes every clip of a batch at random.

    Args:
        config: how strong each change is.
        frames: the training clips; noise is a share of their deviation.
    """

    def __init__(self, config: ActionConfig, frames: np.ndarray) -> None:
        self._config = config
        some = frames[:: max(1, len(frames) // 200)].astype(np.float32)
        if config.kind == "joints":
            some = some - some.mean(axis=(1, 2), keepdims=True)
        self._deviation = float(some.std())

    def __call__(
        self, clips: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the changed clips (batch, steps, ...), and the targets.

        If another clip precedes each one, there are twice as many steps.
        """
        config = self._config
        whole = targets.ndim == 1
        if config.warp and whole:
            clips = warped(clips, config.warp, rng)
        if whole and rng.random() < config.lead_in:
            clips = np.concatenate([clips[rng.permutation(len(clips))], clips], axis=1)
        changed = self._pictures(clips, rng) if config.kind == "video" else self._joints(clips, rng)
        return changed, targets

    def _pictures(self, clips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config, count = self._config, len(clips)
        one = (count, 1, 1, 1, 1)
        contrast = 1 + config.light * rng.uniform(-1, 1, one)
        brightness = 255 * config.light * rng.uniform(-1, 1, one) / 2
        x = np.stack([_moved(clip, *rng.integers(-config.shift, config.shift + 1, 2)) for clip in clips])
        x = np.float32(contrast) * (x - np.float32(127.5)) + np.float32(127.5 + brightness)
        x += np.float32(config.jitter * self._deviation) * rng.standard_normal(x.shape, np.float32)
        return np.clip(np.round(x), 0, 255).astype(np.uint8)

    def _joints(self, clips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Turn, scale and shake joints. y is the vertical axis, as in the usual sets of joints."""
        config, count = self._config, len(clips)
        angle = np.deg2rad(config.turn) * rng.uniform(-1, 1, count)
        turns = np.zeros((count, 1, 3, 3), np.float32)
        turns[:, 0, 0, 0] = turns[:, 0, 2, 2] = np.cos(angle)
        turns[:, 0, 0, 2], turns[:, 0, 2, 0] = np.sin(angle), -np.sin(angle)
        turns[:, 0, 1, 1] = 1
        middle = clips.mean(axis=(1, 2), keepdims=True)
        x = (clips - middle) @ turns
        x *= rng.uniform(1 - config.scale, 1 + config.scale, (count, 1, 1, 3)).astype(np.float32)
        bodies = rng.standard_normal((count, 1, *clips.shape[2:]), np.float32)
        x += np.float32(config.posture * self._deviation) * bodies
        x += np.float32(config.jitter * self._deviation) * rng.standard_normal(x.shape, np.float32)
        return (x + middle).astype(np.float32)


def warped(clips: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Return clips (batch, steps, ...) played faster or slower, by nearest frames; they end as they did."""
    steps = clips.shape[1]
    speed = 1 + most * rng.uniform(-1, 1, (len(clips), 1))
    before_end = np.arange(steps)[::-1] * speed
    rows = np.clip(np.round(steps - 1 - before_end).astype(int), 0, steps - 1)
    return clips[np.arange(len(clips))[:, None], rows]


def _moved(clip: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return pictures (steps, rows, columns, colours) moved by some pixels; the edge is repeated."""
    rows = np.clip(np.arange(clip.shape[1]) - down, 0, clip.shape[1] - 1)
    columns = np.clip(np.arange(clip.shape[2]) - right, 0, clip.shape[2] - 1)
    return clip[:, rows][:, :, columns]
