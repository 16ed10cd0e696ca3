"""Clips as samples in [-1, 1]: the spectrogram is part of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.data.on_disk import computed, spread
from pipelines.ondevice.audio import loudest, read_audio
from pipelines.ondevice.bundle import Bundle

from .augment import Augment
from .config import SAMPLE_RATE, SILENCE, SpeechConfig

_MOST_BACKGROUNDS = 1000  # clips of silence that are mixed into others, where clips stay on disk


def make_features(config: SpeechConfig, data: Data) -> Features:
    """Return the clips of every split as float32 samples, and the augmentation of training clips."""
    inputs = {name: computed(split.inputs, to_samples) for name, split in data.splits.items()}
    targets = {name: split.targets for name, split in data.splits.items()}
    silent = np.zeros(0, int)
    if SILENCE in data.labels:
        silent = np.flatnonzero(targets["train"] == data.labels.index(SILENCE))
    heard = silent[spread(data.splits["train"].inputs, _MOST_BACKGROUNDS, len(silent))]
    return Features(
        inputs=inputs,
        targets=targets,
        labels=data.labels,
        preprocessing={
            "kind": "audio",
            "sample_rate": SAMPLE_RATE,
            "samples": round(config.seconds * SAMPLE_RATE),
        },
        counts={"background_clips": len(silent)},
        augment=Augment(config, inputs["train"][heard] if len(heard) else np.zeros([0, 1], np.float32)),
    )


def encode(bundle: Bundle, clips: Sequence[Any]) -> np.ndarray:
    """Return clips as inputs of the bundle's network: (clips, samples) float32.

    A clip is the path of an audio file, or an array or list of samples (integers of 16 bits, or floats in
    [-1, 1]). Longer clips are cut to their loudest part.
    """
    length = bundle.preprocessing["samples"]
    return to_samples([loudest(hear(clip), length) for clip in clips])


def hear(clip: Any) -> np.ndarray:
    """Return the samples (any number,) of an audio file, an array or a list, as float32 in [-1, 1]."""
    if isinstance(clip, str | Path):
        return read_audio(Path(clip), SAMPLE_RATE)
    return to_samples([np.asarray(clip)])[0]


def to_samples(clips: Sequence[np.ndarray]) -> np.ndarray:
    """Return clips of equal length as float32 (clips, samples). Integers count as 16-bit samples."""
    stacked = np.stack(clips)
    scale = np.float32(1 / 32768 if stacked.dtype.kind in "iu" else 1)
    return stacked.astype(np.float32) * scale
