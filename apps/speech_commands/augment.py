"""Augments training clips: speed, shift, gain, noise, a preceding clip."""

from __future__ import annotations

import numpy as np

from pipelines.data.sound import coloured_noise, level, moved

from .config import SAMPLE_RATE, SpeechConfig

_NOISE_SECONDS = 30
_SNR_DB = (0.0, 25.0)
_SLOPES = (0.0, -1.0, -2.0, 1.0)  # of the noise: white, pink, brown, blue


class Augment:
    """Changes every clip of a batch at random.

    Args:
        config: how strong each change is.
        backgrounds: clips (N, samples) without speech, mixed into clips, as is noise of several colours.
    """

    def __init__(self, config: SpeechConfig, backgrounds: np.ndarray) -> None:
        self._config = config
        rng = np.random.default_rng(config.seed)
        samples = _NOISE_SECONDS * SAMPLE_RATE
        noise = [coloured_noise(samples, slope=slope, rate=SAMPLE_RATE, rng=rng) for slope in _SLOPES]
        heard = [clip / level(clip) for clip in backgrounds if level(clip) > 1e-4]
        self._noise = np.concatenate([*noise, *heard])

    def __call__(
        self, clips: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the changed clips and the targets (batch,).

        `clips` are (batch, samples). If another clip precedes each clip, the result is (batch, 2 * samples).
        """
        changed = np.stack([self._one(clip, rng) for clip in clips])
        if rng.random() < self._config.lead_in:
            changed = np.concatenate([changed[rng.permutation(len(changed))], changed], axis=1)
        return changed, targets

    def _one(self, clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config = self._config
        clip = moved(clip, 1 + config.speed * rng.uniform(-1, 1), self._shift(rng))
        clip = clip * np.float32(10 ** (config.gain_db * rng.uniform(-1, 1) / 20))
        if rng.random() < config.noise:
            start = rng.integers(len(self._noise) - len(clip))
            loud = max(level(clip), 1e-3) * 10 ** (-rng.uniform(*_SNR_DB) / 20)
            clip = clip + np.float32(loud) * self._noise[start : start + len(clip)]
        return np.clip(clip, -1, 1)

    def _shift(self, rng: np.random.Generator) -> float:
        return self._config.shift_ms * rng.uniform(-1, 1) * SAMPLE_RATE / 1000
