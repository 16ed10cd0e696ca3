"""Draw classes from probabilities. Needs numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampler:
    """Settings for drawing a class. The temperature is applied first, then top-k and top-p together."""

    temperature: float = 1.0
    """Probabilities are raised to the power 1 / temperature; 0 always takes the most probable class."""
    top_k: int | None = None
    """Draw from this number of most probable classes; None means all classes."""
    top_p: float = 1.0
    """Draw from the fewest most probable classes whose probabilities sum to top_p (nucleus sampling,
    A. Holtzman et al., The curious case of neural text degeneration, ICLR 2020)."""

    def distribution(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the distribution to draw from, float64 (classes,).

        Args:
            probabilities: (classes,), not necessarily normalised.

        Raises:
            ValueError: no probability is above 0.
        """
        p = np.asarray(probabilities, np.float64)
        if not p.max() > 0:
            raise ValueError("expected a probability above 0")
        if self.temperature == 0:
            return np.eye(len(p))[p.argmax()]
        with np.errstate(divide="ignore"):
            p = np.exp((np.log(p) - np.log(p.max())) / self.temperature)
        order = np.argsort(-p, kind="stable")
        kept = order[: self.top_k]
        before = np.cumsum(p[kept]) / p[kept].sum() - p[kept] / p[kept].sum()
        kept = kept[before < self.top_p]
        cut = np.zeros_like(p)
        cut[kept] = p[kept]
        return cut / cut.sum()

    def draw(self, probabilities: np.ndarray, rng: np.random.Generator) -> int:
        """Draw one class from probabilities (classes,). `rng` is used once, whatever the temperature."""
        cumulative = np.cumsum(self.distribution(probabilities))
        return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
