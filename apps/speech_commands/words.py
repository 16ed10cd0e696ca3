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
    return _relabelled(data, labels, data.labels)


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
    return _relabelled(data, labels, renamed)


def with_silence(data: Data, folder: Path) -> Data:
    """Return the data with clips labelled _silence_, cut from the recordings in `folder`/_background_noise_.

    Each split gets as many of them as it has clips of a word on average, cut from its own part of each
    recording. Data that already has the label, or has no such recordings, is returned unchanged. Recordings
    that can't be read are left out, with a note.
    """
    files = [] if SILENCE in data.labels else audio_files(folder / BACKGROUND)
    noise, notes = [], []
    for file in files:
        try:
            noise.append(read_audio(file, SAMPLE_RATE))
        except UserError as error:
            notes.append(f"{data.source}: left out of {BACKGROUND}: {error}")
    if not noise:
        return replace(data, notes=(*data.notes, *notes))
    rng = np.random.default_rng(0)
    splits = {}
    for name, split in data.splits.items():
        words = [i for i, label in enumerate(data.labels) if label != UNKNOWN]
        count = round(np.isin(split.targets, words).sum() / len(words))
        cuts = [_cut(noise[i % len(noise)], _PARTS[name], len(split.inputs[0]), rng) for i in range(count)]
        targets = np.concatenate([split.targets, np.full(count, len(data.labels))])
        splits[name] = Examples([*split.inputs, *cuts], targets)
    notes.append(f"{data.source}: {SILENCE} is cut from {len(noise)} recordings in {BACKGROUND}")
    return replace(data, splits=splits, labels=(*data.labels, SILENCE), notes=(*data.notes, *notes))


def _cut(noise: np.ndarray, part: tuple[float, float], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return 16-bit samples (samples,) from a part of a recording, at a random level."""
    begin, end = (round(share * len(noise)) for share in part)
    start = rng.integers(begin, max(begin, end - samples) + 1)
    return to_int16(loudest(noise[start : min(end, start + samples)] * rng.uniform(0, 1), samples))


def _relabelled(data: Data, labels: tuple[str, ...], renamed: Sequence[str]) -> Data:
    """Return the data with `labels`; the old label number i becomes that of `renamed[i]`."""
    ids = {label: index for index, label in enumerate(labels)}
    numbers = np.array([ids[label] for label in renamed], np.int64)
    splits = {name: Examples(split.inputs, numbers[split.targets]) for name, split in data.splits.items()}
    return replace(data, splits=splits, labels=labels)
