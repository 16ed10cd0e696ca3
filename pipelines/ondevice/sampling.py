"""Draw from probabilities. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampler:
    """How to draw: the cuts come after the temperature, most probable first, and apply together."""

    temperature: float = 1.0
    """Probabilities are taken to the power 1 / temperature; 0 is the most probable, always."""
    top_k: int | None = None
    """Only so many."""
    top_p: float = 1.0
    """Only as many as it takes to this sum (nucleus sampling, A. Holtzman et al., ICLR 2020)."""

    def distribution(self, probabilities: np.ndarray) -> np.ndarray:
        """Return what is drawn from, float64, given probabilities (classes,) up to a factor.

        Raises:
            ValueError: not one of them is above 0.
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
        """Return one class; `rng` is used once, whatever the temperature."""
        cumulative = np.cumsum(self.distribution(probabilities))
        return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
