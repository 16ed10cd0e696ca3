"""Clips as frames, of pixels or of joints: normalisation is part of the network."""

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
from .config import ActionConfig
from .skeleton import normalised


def make_features(config: ActionConfig, data: WindowedData) -> Features:
    """Return the frames of every split (N, steps, ...), and the augmentation."""
    kind = np.uint8 if config.kind == "video" else np.float32
    inputs = {name: np.stack(split.inputs).astype(kind) for name, split in data.splits.items()}
    some = data.whole["train"][0]
    mean, deviation = _moments(config, inputs["train"])
    return Features(
        inputs=inputs,
        targets={name: split.targets for name, split in data.splits.items()},
        labels=data.labels,
        preprocessing={
            "kind": config.kind,
            "sample_rate": some.rate,
            "samples": inputs["train"].shape[1],
            "packet": 1,
            "shape": list(inputs["train"].shape[2:]),
            "delay": config.delay,
            "joints": list(some.channels),
            "mean": mean.tolist(),
            "deviation": deviation.tolist(),
        },
        counts={"frames": sum(len(each.signal) for each in data.whole["train"]), "rate": some.rate},
        of_sequences=True,
        augment=Augment(config, inputs["train"]),
    )


def _moments(config: ActionConfig, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the deviation of each normalised place of a joint, (joints, 3).

    Pictures have none: the network scales them by itself.
    """
    if config.kind == "video":
        return np.zeros(0), np.ones(0)
    places = normalised(frames.reshape(-1, *frames.shape[2:]), config)
    deviation = places.std(axis=0)
    return places.mean(axis=0), np.where(deviation > 1e-3 * deviation.max(), deviation, 1)


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return clips as inputs of the bundle's network, (N, steps, ...).

    An input is an array (frames, ...), or the path of a video, of a folder of pictures, or of joints. A
    longer one is cut to its end, a shorter one is preceded by copies of its first frame.
    """
    length = bundle.preprocessing["samples"]
    clips = [max(streams_of(bundle, each), key=lambda stream: len(stream.signal)) for each in inputs]
    return np.stack([padded_to(clip.signal, length) for clip in clips])


def streams_of(bundle: Bundle, given: Any) -> list[Recording]:
    """Return a clip as the bundle's network reads it, from a file, or from an array or nested list.

    A file with long gaps becomes several, in the order of time.

    Raises:
        UserError: the file can't be read, or the array has another shape.
    """
    settings = bundle.preprocessing
    if isinstance(given, str | Path):
        from .data import read_one

        return read_one(Path(given), bundle)
    kind = np.uint8 if settings["kind"] == "video" else np.float32
    frames, shape = np.asarray(given), tuple(settings["shape"])
    if frames.shape[1:] != shape or not len(frames):
        raise UserError(f"expected frames of the shape {shape}, got an array of shape {frames.shape}")
    return [Recording("", frames.astype(kind), float(settings["sample_rate"]), tuple(settings["joints"]))]
