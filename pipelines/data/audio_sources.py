"""Labelled sound from a TFDS set or from files, cut into the splits that every app needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..ondevice.audio import loudest, resample, to_int16
from .audio_files import find_clips, longer_note, read_clips
from .examples import Data, Examples
from .sources import builder_of
from .speakers import splits_of
from .splits import complete, select


def audio_from_files(path: Path, samples: int, rate: int, seed: int = 0) -> Data:
    """Return the user's clips, (samples,) int16 each; the class names are the labels as written, sorted.

    Raises:
        UserError: one line, when the files or their list are not what they should be.
    """
    path = path.expanduser()
    read = read_clips(find_clips(path), samples, rate, path.name)
    names, notes = splits_of(read.clips, path.name)
    labels = tuple(sorted({clip.label for clip in read.clips}))
    targets = np.array([labels.index(clip.label) for clip in read.clips], np.int64)
    everything = Examples(read.samples, targets)
    splits = {split: select(everything, [name == split for name in names]) for split in sorted(set(names))}
    return complete(splits, labels, path.name, read.notes + notes, seed)


def audio_from_tfds(name: str, samples: int, rate: int, data_dir: Path | None = None, seed: int = 0) -> Data:
    """Return a TFDS set with one sound and one class label, resampled to `rate`.

    Raises:
        UserError: one line, for an unknown name, a set that can't be had, or features that don't fit.
    """
    return audio_from_builder(builder_of(name, data_dir), samples, rate, seed)


def audio_from_builder(builder: Any, samples: int, rate: int, seed: int = 0) -> Data:
    """Return the clips of a prepared TFDS builder, (samples,) int16 each."""
    import tensorflow_datasets as tfds

    source, features = builder.info.full_name, builder.info.features
    audio = _only(source, features, tfds.features.Audio)
    label = _only(source, features, tfds.features.ClassLabel)
    own_rate = features[audio].sample_rate or rate
    notes = [f"{source}: resampled from {own_rate:,} Hz to {rate:,} Hz"] if own_rate != rate else []
    splits, longer = {}, 0
    for name in ("train", "validation", "test"):
        if name not in builder.info.splits:
            continue
        clips, lengths, targets = [], [], []
        for sound, target in _sounds(builder, name, audio, label):
            heard = resample(_as_float(sound, source), own_rate, rate, source)
            clips.append(to_int16(loudest(heard, samples)))
            lengths.append(len(heard))
            targets.append(target)
        if min(targets) < 0:
            notes.append(f"{source}: {name} is not used, its labels are hidden (-1)")
            continue
        splits[name] = Examples(clips, np.array(targets, np.int64))
        longer += sum(length > samples for length in lengths)
    notes += longer_note(source, longer, samples / rate)
    return complete(splits, tuple(features[label].names), source, notes, seed)


def _only(source: str, features: Any, kind: type) -> str:
    """Return the name of the one feature of a kind."""
    names = [name for name, feature in features.items() if isinstance(feature, kind)]
    if len(names) != 1:
        listed = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
        raise UserError(f"{source}: expected one {kind.__name__} feature, it has {listed}")
    return names[0]


def _sounds(builder: Any, split: str, audio: str, label: str) -> Iterator[tuple[np.ndarray, int]]:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split, shuffle_files=False, read_config=tfds.ReadConfig(try_autocache=False)
    )
    yield from tfds.as_numpy(dataset.map(lambda example: (example[audio], example[label])))


def _as_float(sound: np.ndarray, source: str) -> np.ndarray:
    """Return samples (n,) or (n, channels), 16-bit ones in whatever type TFDS has them, as float32 (n,)."""
    if sound.dtype.kind == "i":
        if np.abs(sound, dtype=np.int64).max(initial=0) > 32768:
            raise UserError(f"{source}: expected samples of 16 bits, got {sound.max()}")
        sound = sound / np.float32(32768)
    return (sound.mean(axis=1) if sound.ndim == 2 else sound).astype(np.float32)
