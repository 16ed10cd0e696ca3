"""The recordings: embedded, a TFDS set of the same kind, or a folder of the user, cut into windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.app import lazy
from pipelines.data import source
from pipelines.data.labelled_windows import labels_of, windows_of, with_splits
from pipelines.data.recording_files import Columns, read_folder
from pipelines.data.recording_gaps import stuck_channels
from pipelines.data.recordings import Recording, resampled, with_channels
from pipelines.data.windows import WindowedData

from .config import SensorConfig, cutting_of

_WRIST = lazy(__package__, "embedded.wrist", "WristMovements")
_HEART = lazy(__package__, "embedded.heartbeats", "Heartbeats")
_EMBEDDED = {
    "embedded": partial(_WRIST, config="whole"),
    "embedded/small": partial(_WRIST, config="small"),
    "embedded/heartbeats": partial(_HEART, config="whole"),
    "embedded/heartbeats_small": partial(_HEART, config="small"),
}


def load(config: SensorConfig, as_given: bool = False) -> WindowedData:
    """Return the windows of `config.dataset` by split; raise a one-line UserError if they can't be made.

    With `as_given`, for data that is only scored, nothing is held out: recordings without a split are test
    recordings.
    """

    def made(recordings: Sequence[Recording], name: str, notes: Sequence[str]) -> WindowedData:
        return _windows(config, recordings, name, notes, as_given=as_given)

    def from_builder(builder: Any) -> WindowedData:
        from pipelines.data.recording_sets import recordings_from_builder

        return made(recordings_from_builder(builder), builder.info.full_name, [])

    def own(path: Path) -> WindowedData:
        recordings, notes = read_folder(path, columns_of(config))
        return made(recordings, path.resolve().name, notes)

    data = source.load(config, source.Readers(_EMBEDDED, from_builder, own))
    assert isinstance(data, WindowedData)
    return data


def columns_of(config: SensorConfig) -> Columns:
    """Return what the user's columns are called."""
    return Columns(config.label_column, config.subject_column, config.channels, config.recorded_rate)


def _windows(
    config: SensorConfig, recordings: Sequence[Recording], name: str, notes: Sequence[str], *, as_given: bool
) -> WindowedData:
    rate = config.rate or recordings[0].rate
    channels = config.channels or recordings[0].channels
    other = Counter(each.rate for each in recordings if each.rate != rate)
    notes = [*notes, *stuck_channels(recordings)]
    notes += [f"{name}: {n} recordings resampled from {old:g} Hz to {rate:g} Hz" for old, n in other.items()]
    ready = [resampled(with_channels(each, channels), rate) for each in recordings]
    ready, more = with_splits(ready, name, as_given=as_given)
    with_nothing = config.answer == "events" or config.unlabelled == "label"
    labels = labels_of(ready, config.labels, name, with_nothing=with_nothing, some=as_given)
    cutting = cutting_of(config, rate, labels)
    short = sum(len(each.signal) < cutting.length for each in ready)
    notes += [f"{name}: {short} recordings are shorter than --window, and left out"] * bool(short)
    return windows_of(ready, cutting, name, [*notes, *more], as_given=as_given)
