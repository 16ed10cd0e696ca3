"""The metrics of the speech command app, and simple methods to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data
from pipelines.tasks.classification import METRICS as METRICS
from pipelines.tasks.classification_baselines import fitted, majority

from .config import SAMPLE_RATE, SpeechConfig
from .features import to_samples

_SEGMENTS = 10  # spans of time in a coarse spectrogram
_BANDS = 20


def baselines(config: SpeechConfig, data: Data, *_: Any) -> dict[str, dict[str, float]]:
    """Return the accuracy, by test split, of the commonest label and of regression on coarse spectrograms."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=0.01, max_iter=300, random_state=config.seed)
    scaled = make_pipeline(StandardScaler(), regression)
    return {
        "majority": majority(data),
        "spectrogram_regression": fitted(data, scaled, coarse_spectrograms),
    }


def coarse_spectrograms(clips: Sequence[np.ndarray]) -> np.ndarray:
    """Return the log power in wide bands and long spans of time: (clips, spans * bands)."""
    edges = np.geomspace(100, SAMPLE_RATE / 2, _BANDS + 1)
    rows = []
    for clip in clips:
        samples = to_samples([clip])[0]
        segments = samples[: len(samples) // _SEGMENTS * _SEGMENTS].reshape(_SEGMENTS, -1)
        power = np.abs(np.fft.rfft(segments * np.hanning(segments.shape[1]))) ** 2
        bins = np.searchsorted(np.fft.rfftfreq(segments.shape[1], 1 / SAMPLE_RATE), edges)
        bands = np.add.reduceat(power, np.minimum(bins[:-1], power.shape[1] - 1), axis=1)
        rows.append(np.log(bands + 1e-6).ravel())
    return np.array(rows)
