"""Chooses the labels: the words asked for, one label for all others, and silence cut from noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines.data.audio_files import BACKGROUND, audio_files
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError
from pipelines.ondevice.audio import loudest, read_audio, to_int16

from .config import SAMPLE_RATE, SILENCE, UNKNOWN, WORDS

_STANDARD = (*WORDS, UNKNOWN, SILENCE)
_PARTS: dict[str, tuple[float, float]] = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


def in_order(data: Data) -> Data:
    """Return the data with sorted labels, or with the twelve standard labels in their usual order."""
    labels = _STANDARD if set(data.labels) == set(_STANDARD) else tuple(sorted(data.labels))
    return _relabelled(data, labels, [labels.index(label) for label in data.labels])


def only_words(data: Data, words: Sequence[str], *, some: bool = False) -> Data:
    """Return the data with `words` and _silence_ as labels; every other label becomes _unknown_.

    Raises:
        UserError: a word is not a label of the data, unless `some` of them are enough.
    """
    for word in words:
        if word not in data.labels and not some:
            found = ", ".join(data.labels)
            raise UserError(f"--words: expected labels of {data.source}, which has {found}; got {word!r}")
    renamed = [label if label in (*words, SILENCE) else UNKNOWN for label in data.labels]
    labels = tuple(dict.fromkeys(renamed))
    return _relabelled(data, labels, [labels.index(label) for label in renamed])


def with_silence(data: Data, folder: Path) -> Data:
    """Return the data with clips labelled _silence_, cut from the recordings in `folder`/_background_noise_.

    Each split gets as many of them as it has clips of a word on average, cut from its own part of each
    recording. Data that already has the label, or has no such recordings, is returned unchanged.
    """
    files = audio_files(folder / BACKGROUND)
    if SILENCE in data.labels or not files:
        return data
    noise = [read_audio(file, SAMPLE_RATE) for file in files]
    rng = np.random.default_rng(0)
    splits = {}
    for name, split in data.splits.items():
        words = [i for i, label in enumerate(data.labels) if label != UNKNOWN]
        count = round(np.isin(split.targets, words).sum() / len(words))
        cuts = [_cut(noise[i % len(noise)], _PARTS[name], len(split.inputs[0]), rng) for i in range(count)]
        targets = np.concatenate([split.targets, np.full(count, len(data.labels))])
        splits[name] = Examples([*split.inputs, *cuts], targets)
    note = f"{data.source}: {SILENCE} is cut from {len(files)} recordings in {BACKGROUND}"
    return replace(data, splits=splits, labels=(*data.labels, SILENCE), notes=(*data.notes, note))


def _cut(noise: np.ndarray, part: tuple[float, float], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return 16-bit samples (samples,) from a part of a recording, at a random level."""
    begin, end = (round(share * len(noise)) for share in part)
    start = rng.integers(begin, max(begin, end - samples) + 1)
    return to_int16(loudest(noise[start : min(end, start + samples)] * rng.uniform(0, 1), samples))


def _relabelled(data: Data, labels: tuple[str, ...], ids: Sequence[int]) -> Data:
    """Return the data with `labels`; the old label number i becomes `ids[i]`."""
    splits = {
        name: Examples(split.inputs, np.array(ids, np.int64)[split.targets])
        for name, split in data.splits.items()
    }
    return replace(data, splits=splits, labels=labels)
