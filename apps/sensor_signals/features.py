"""Windows as packets: raw samples in, since normalisation is part of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.examples import Features
from pipelines.data.recordings import Recording
from pipelines.data.windows import WindowedData, padded_to
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle

from .augment import Augment
from .config import SensorConfig


def make_features(config: SensorConfig, data: WindowedData) -> Features:
    """Return the windows of every split as packets (steps, packet * channels), and the augmentation."""
    inputs = {name: packets(split.inputs, config.packet) for name, split in data.splits.items()}
    some = data.whole["train"][0]
    count = len(some.channels)
    moments = np.concatenate([each.reshape(-1, count) for each in data.splits["train"].inputs])
    return Features(
        inputs=inputs,
        targets={name: split.targets for name, split in data.splits.items()},
        labels=data.labels,
        preprocessing={
            "kind": "signal",
            "sample_rate": some.rate,
            "channels": list(some.channels),
            "samples": len(data.splits["train"].inputs[0]),
            "packet": config.packet,
            "delay": config.delay,
            "mean": moments.mean(axis=0).tolist(),
            "deviation": _deviation(moments).tolist(),
        },
        counts={"channels": count, "rate": some.rate},
        augment=Augment(config, some.channels, _deviation(moments), config.delay * some.rate / config.packet),
    )


def _deviation(samples: np.ndarray) -> np.ndarray:
    """Return the deviation of each channel; 1 for a channel that never changes in training."""
    deviation = samples.std(axis=0)
    return np.where(deviation > 1e-6 * np.maximum(1, np.abs(samples).max(axis=0)), deviation, 1)


def packets(windows: Sequence[np.ndarray], packet: int) -> np.ndarray:
    """Return windows (samples, channels) as float32 (N, steps, packet * channels)."""
    stacked = np.stack(windows).astype(np.float32)
    count, samples, channels = stacked.shape
    return stacked.reshape(count, samples // packet, packet * channels)


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return windows as inputs of the bundle's network: (N, steps, packet * channels) float32.

    An input is an array (samples, channels), or the path of a recording; of one with gaps it is the longest
    stretch. A longer one is cut to its end, a shorter one is preceded by copies of its first sample.
    """
    settings = bundle.preprocessing
    length = settings["samples"]
    windows = []
    for each in inputs:
        longest = max(stretches_of(bundle, each), key=lambda stretch: len(stretch.signal))
        windows.append(padded_to(longest.signal, length))
    return packets(windows, settings["packet"])


def stretches_of(bundle: Bundle, given: Any) -> list[Recording]:
    """Return a recording as the bundle's network reads it, from a file, or from an array or nested list.

    A file with gaps becomes several, the stretches between them in the order of time.

    Raises:
        UserError: the file can't be read, lacks a channel, or the array has another number of channels.
    """
    settings = bundle.preprocessing
    channels, rate = tuple(settings["channels"]), float(settings["sample_rate"])
    if isinstance(given, str | Path):
        from pipelines.data.recording_files import Columns, read_recording
        from pipelines.data.recordings import in_units_of, resampled

        names = bundle.manifest["config"]
        columns = Columns(names["label_column"], names["subject_column"], channels, names["recorded_rate"])
        pieces, _ = read_recording(Path(given), columns)
        return [resampled(in_units_of(piece, channels), rate) for piece in pieces]
    signal = np.asarray(given, np.float32)
    if signal.ndim != 2 or signal.shape[1] != len(channels) or not len(signal):
        raise UserError(f"expected samples of {len(channels)} channels, got an array of shape {signal.shape}")
    return [Recording("", signal, rate, channels)]
