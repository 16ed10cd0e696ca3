"""How good the labels are, and what simple methods reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.data.examples import Data
from pipelines.tasks.classification import accuracy, macro_f1

from .config import SAMPLE_RATE, SpeechConfig
from .features import to_samples

if TYPE_CHECKING:
    from pipelines.evaluation.score import Metric


METRICS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}

_SEGMENTS = 10  # stretches of time of the simple method
_BANDS = 20


def baselines(config: SpeechConfig, data: Data) -> dict[str, dict[str, float]]:
    """Score on every test split: the commonest label, and logistic regression on a coarse spectrogram."""
    train = data.splits["train"]
    commonest = np.bincount(train.targets, minlength=len(data.labels)).argmax()
    classifier = _classifier(config.seed).fit(coarse_spectrograms(train.inputs), train.targets)
    results: dict[str, dict[str, float]] = {"majority": {}, "spectrogram_regression": {}}
    for name in data.test_splits:
        split = data.splits[name]
        results["majority"][name] = float(np.mean(split.targets == commonest))
        accurate = classifier.score(coarse_spectrograms(split.inputs), split.targets)
        results["spectrogram_regression"][name] = float(accurate)
    return results


def coarse_spectrograms(clips: list[np.ndarray]) -> np.ndarray:
    """Return (N, segments * bands) logarithms of the power in wide bands and long stretches of time."""
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


def _classifier(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300, random_state=seed))
