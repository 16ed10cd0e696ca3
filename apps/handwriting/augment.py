"""Changes training drawings as another writer would: another slant, size and direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import HandwritingConfig


@dataclass(frozen=True)
class Augment:
    """Slants, scales and turns the offsets of a batch, each drawing by a map of its own.

    Args:
        config: how much.
        deviation: of dx and dy, in whose units the offsets are.
    """

    config: HandwritingConfig
    deviation: tuple[float, float]

    def __call__(
        self, inputs: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows, and the targets if they are offsets, mapped alike."""
        maps = self._maps(len(inputs), rng)
        inputs = inputs.copy()
        inputs[:, :, :2] = np.einsum("ntd,nde->nte", inputs[:, :, :2], maps)
        if self.config.answer == "strokes":
            targets = targets.copy()
            targets[:, :, :2] = np.einsum("ntd,nde->nte", targets[:, :, :2], maps)
        return inputs, targets

    def _maps(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return a matrix for each drawing, (count, 2, 2) float32, that maps rows (dx, dy)."""
        config = self.config
        sizes = 1 + rng.uniform(-config.scale, config.scale, (count, 2))
        slants = rng.uniform(-config.slant, config.slant, count)
        angles = np.radians(rng.uniform(-config.rotation, config.rotation, count))
        x, y = self.deviation
        scaled = np.zeros((count, 2, 2))
        scaled[:, 0, 0], scaled[:, 1, 1], scaled[:, 1, 0] = sizes[:, 0], sizes[:, 1], slants
        cosine, sine = np.cos(angles), np.sin(angles)
        turned = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)
        units = np.diag([x, y])
        return (units @ scaled @ turned @ np.linalg.inv(units)).astype(np.float32)
