"""Load labelled sound from a TFDS set or from files, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..ondevice.audio import loudest, mono, resample, to_int16
from .audio_files import find_clips, longer_note, read_clips, skipped
from .example_store import store_for
from .examples import Data, Examples
from .record_files import read_records
from .speakers import splits_of
from .splits import complete, select
from .tfds_sets import files_of, only_feature, open_split


def audio_from_files(path: Path, samples: int, rate: int, seed: int | None = 0) -> Data:
    """Return the user's labelled clips, each (samples,) int16. The labels are sorted by name.

    Args:
        path: a folder or a CSV; see `audio_files.find_clips`.
        samples: the length of a clip in samples. Longer clips are cut to their loudest part, shorter ones are
            padded.
        rate: samples per second; clips with another rate are resampled.
        seed: selects the examples of a split that the files lack; None if the splits stay as they are given.

    Raises:
        UserError: the files or the CSV are malformed.
    """
    path = path.expanduser()
    least = 1 if seed is None else 2
    read = read_clips(find_clips(path, least), samples, rate, path.name, least_labels=least)
    given = [clip.split or "train" for clip in read.clips]
    names, notes = (given, []) if seed is None else splits_of(read.clips, path.name)
    labels = tuple(sorted({clip.label for clip in read.clips}))
    ids = {label: index for index, label in enumerate(labels)}
    targets = np.array([ids[clip.label] for clip in read.clips], np.int64)
    everything = Examples(read.samples, targets)
    splits = {split: select(everything, [name == split for name in names]) for split in sorted(set(names))}
    return complete(Data(splits, labels, path.name, (*skipped(path), *read.notes, *notes)), seed)


def audio_from_builder(
    builder: Any, samples: int, rate: int, seed: int | None = 0, *, memory_gb: float | None = None
) -> Data:
    """Return the labelled clips of a prepared TFDS builder, each (samples,) int16.

    The set is read piece by piece. If it is too large for the memory, its clips stay on disk.

    Args:
        builder: a builder from `tfds_sets.prepare`, with one Audio and one ClassLabel feature.
        samples: the length of a clip in samples. Longer clips are cut to their loudest part, shorter ones are
            padded.
        rate: samples per second; clips with another rate are resampled.
        seed: selects the examples of a split that the set lacks; None if the splits stay as they are given.
        memory_gb: the memory that the clips may take, in GB; None for half of what is free.

    Raises:
        UserError: the set has different features, samples need more than 16 bits, or its clips can't be kept
            on disk.
    """
    import tensorflow_datasets as tfds

    source, features = builder.info.full_name, builder.info.features
    audio = only_feature(source, features, tfds.features.Audio)
    label = only_feature(source, features, tfds.features.ClassLabel)
    own_rate = features[audio].sample_rate or rate
    resampled = [f"{source}: resampled from {own_rate:,} Hz to {rate:,} Hz"] if own_rate != rate else []
    names = [name for name in ("train", "validation", "test") if name in builder.info.splits]

    def clips(name: str, told: dict[str, Any]) -> Iterator[tuple[np.ndarray, int]]:
        for sound, target in _sounds(builder, name, audio, label):
            heard = resample(_as_float(sound, source), own_rate, rate, source)
            told[name] = told.get(name, 0) + (len(heard) > samples)
            yield to_int16(loudest(heard, samples)), target

    with store_for(source, files_of(builder), [audio, label, names, samples, rate], memory_gb) as store:
        read = {name: store.keep(name, clips(name, store.told)) for name in names}
    longer = sum(store.told[name] for name, examples in read.items() if examples.targets.min() >= 0)
    notes = [*resampled, *longer_note(source, longer, samples / rate)]
    return _usable(read, tuple(features[label].names), source, seed=seed, notes=notes)


def audio_from_records(
    folder: Path, samples: int, rate: int, *, seed: int | None = 0, memory_gb: float | None = None
) -> Data:
    """Return the labelled clips of a folder of TFRecord files, each (samples,) int16.

    Args:
        folder: see `record_files.read_records`. The features are "audio", samples at `rate`, and "label".
            Samples are int64 of 16 bits, or floats from -1 to 1.
        samples: the length of a clip in samples. Longer clips are cut to their loudest part, shorter ones are
            padded.
        rate: samples per second.
        seed: selects the examples of a split that the set lacks; None if the splits stay as they are given.
        memory_gb: the memory that the clips may take, in GB; None for half of what is free.

    Raises:
        UserError: see `record_files.read_records`.
    """

    def decode(kind: str, values: Any) -> np.ndarray:
        sound = np.array(values) if kind in ("int64", "float") else np.array([np.inf])
        most = 32768 if kind == "int64" else 1
        if not np.abs(sound).max() <= most:
            raise ValueError("'audio': expected samples as int64 of 16 bits, or floats from -1 to 1")
        return to_int16(loudest((sound / np.float32(most)).astype(np.float32), samples))

    read, labels = read_records(folder, ("audio", "label"), decode, reading=[samples], memory_gb=memory_gb)
    return _usable(read, labels, folder.name, seed=seed)


def _usable(
    read: Mapping[str, Examples],
    labels: tuple[str, ...],
    source: str,
    *,
    seed: int | None,
    notes: Sequence[str] = (),
) -> Data:
    """Return the data of splits as they were read, without those whose labels are hidden."""
    hidden = [name for name, examples in read.items() if examples.targets.min() < 0]
    more = [f"{source}: {name} is not used, its labels are hidden (-1)" for name in hidden]
    splits = {name: examples for name, examples in read.items() if name not in hidden}
    return complete(Data(splits, labels, source, (*more, *notes)), seed)


def _sounds(builder: Any, split: str, audio: str, label: str) -> Iterator[tuple[np.ndarray, int]]:
    dataset = open_split(builder, split).map(lambda example: (example[audio], example[label]))
    yield from dataset.as_numpy_iterator()


def _as_float(sound: np.ndarray, source: str) -> np.ndarray:
    """Return samples (n,) or (n, channels) as float32 (n,). TFDS keeps 16-bit samples in several types."""
    if sound.dtype.kind == "i":
        if np.abs(sound, dtype=np.int64).max(initial=0) > 32768:
            raise UserError(f"{source}: expected 16-bit samples, got {sound.max()}")
        sound = sound / np.float32(32768)
    return (mono(sound)[0] if sound.ndim == 2 else sound).astype(np.float32)
