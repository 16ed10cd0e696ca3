"""Clips in TFDS sets: in our own, stored as `recording_sets.RecordingSet`, and in public sets of videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .clip_sources import shown_at
from .joint_times import at_times
from .recording_sets import FEATURES, recordings_from_builder
from .recordings import Recording, Span, spans_within
from .text_files import SPLIT_NAMES
from .tfds_sets import only_feature, open_split
from .video_files import Frames
from .video_frames import fitted

RATES = {"ucf101": 25.0}
"""Frames a second of the videos in public sets, which don't tell."""
_USUAL_RATE = 25.0


def clips_from_builder(builder: Any, wanted: Frames) -> tuple[list[Recording], list[str]]:
    """Return the clips of a prepared TFDS builder, as `clip_sources.read_clips` does, and notes.

    A public set needs a feature of videos and one of labels. Its own splits stay; its clips name no person.
    Videos of a set that is not in `RATES` are taken to have the wanted rate.

    Args:
        builder: a builder from `tfds_sets.prepare`.
        wanted: the size, colours and rate of frames; of joints the rate.

    Raises:
        UserError: the set has other features, or no clip with a label.
    """
    if set(FEATURES) <= set(builder.info.features or {}):
        return [_as_wanted(_exact(each), wanted) for each in recordings_from_builder(builder)], []
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    features = builder.info.features or {}
    kinds = tfds.features.Video, tfds.features.ClassLabel
    video, label = (only_feature(source, features, kind) for kind in kinds)
    splits = list(builder.info.splits)
    used = {name: SPLIT_NAMES[name] for name in splits if name in SPLIT_NAMES}
    unused = [name for name in splits if name not in used]
    notes = [f"{source}: not used: {', '.join(unused)}"] if unused else []
    rate = RATES.get(builder.info.name)
    if rate is None:
        rate = wanted.rate or _USUAL_RATE
        notes.append(f"{source}: it tells no rate, taken as {rate:g} frames a second")
    if lacking := [name for name in ("validation", "test") if name not in used.values()]:
        held = " and ".join(lacking)
        notes.append(f"{source}: it tells no groups: clips cut from one video may be in train and in {held}")
    names, found, hidden = builder.info.features[label].names, list[Recording](), 0
    for split, ours in used.items():
        for number, (frames, target) in enumerate(_rows(builder, split, video, label)):
            hidden += target < 0
            if target >= 0 and len(frames):
                span = Span(0.0, np.inf, names[target])
                clip = Recording(f"{split}[{number}]", frames, rate, (), (span,), split=ours)
                found.append(_as_wanted(clip, wanted))
    notes += [f"{source}: {hidden:,} clips are left out, their labels are hidden (-1)"] * bool(hidden)
    if not found:
        raise UserError(f"{source}: expected videos with labels, found none")
    return found, notes


def _rows(builder: Any, split: str, video: str, label: str) -> Iterator[tuple[np.ndarray, int]]:
    dataset = open_split(builder, split).map(lambda example: (example[video], example[label]))
    total = builder.info.splits[split].num_examples
    rows = dataset.as_numpy_iterator()
    yield from tqdm(rows, f"reading {split}", total, unit="clip", leave=False, disable=None)


def _exact(clip: Recording) -> Recording:
    """Return the clip with its times as they were: TFDS stores them as float32, which has seven digits."""
    rate = float(f"{clip.rate:.6g}")

    def frame(seconds: float) -> float:
        nearest = round(seconds * rate)
        return nearest / rate if abs(seconds * rate - nearest) < 0.01 else seconds

    spans = tuple(Span(frame(each.start), frame(each.end), each.label) for each in clip.spans)
    return replace(clip, rate=rate, spans=spans)


def _as_wanted(clip: Recording, wanted: Frames) -> Recording:
    """Return a clip of frames or joints at the wanted rate, its frames in the wanted size and colours."""
    signal, rate = clip.signal, wanted.rate or clip.rate
    if signal.dtype == np.uint8:
        signal = _fitted(signal[shown_at(len(signal), clip.rate, rate)], wanted)
    elif rate != clip.rate:
        last = (len(signal) - 1) / clip.rate
        steps = np.arange(int(last * rate + 1e-6) + 1) / rate
        signal = at_times(signal, np.arange(len(signal)) / clip.rate, steps).astype(np.float32)
    spans = spans_within(clip.spans, 0.0, len(signal) / rate)
    return replace(clip, signal=signal, rate=rate, spans=spans)


def _fitted(frames: np.ndarray, wanted: Frames) -> np.ndarray:
    """Return frames (T, height, width, colours) as uint8 (T, size, size, colours), fitted as others are."""
    from PIL import Image

    if frames.shape[1:] == (wanted.size, wanted.size, wanted.colours):
        return frames
    pictures = frames[..., 0] if frames.shape[3] == 1 else frames
    box = wanted.size, wanted.size
    return np.stack([fitted(Image.fromarray(each), box, wanted.colours) for each in pictures])
