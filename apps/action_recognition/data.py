"""The clips: embedded, a TFDS set, or files of the user, cut into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.app import lazy
from pipelines.data import source
from pipelines.data.clip_sources import ClipFiles, read_clip, read_clips
from pipelines.data.people import by_person
from pipelines.data.recordings import Recording
from pipelines.data.video_files import Frames
from pipelines.data.windows import NOTHING, WindowedData, windowed
from pipelines.errors import UserError

from .config import ActionConfig, cutting_of

if TYPE_CHECKING:
    from pipelines.ondevice.bundle import Bundle

_DRAWN = lazy(__package__, "embedded.drawn", "DrawnClips")
_EMBEDDED = {
    "embedded": partial(_DRAWN, config="whole"),
    "embedded/small": partial(_DRAWN, config="small"),
}


def load(config: ActionConfig, as_given: bool = False) -> WindowedData:
    """Return the windows of `config.dataset` by split; raise a one-line UserError if they can't be made.

    With `as_given`, for data that is only scored, nothing is held out: clips without a split are test clips.
    """

    def from_builder(builder: Any) -> WindowedData:
        from pipelines.data.clip_sets import clips_from_builder

        clips, notes = clips_from_builder(builder, files_of(config).frames)
        return _windows(config, clips, builder.info.full_name, notes, as_given=as_given)

    def own(path: Path) -> WindowedData:
        clips, notes = read_clips(path, files_of(config))
        return _windows(config, clips, path.resolve().name, notes, as_given=as_given)

    data = source.load(config, source.Readers(_EMBEDDED, from_builder, own))
    assert isinstance(data, WindowedData)
    return data


def files_of(config: ActionConfig) -> ClipFiles:
    """Return how the user's files are read."""
    frames = Frames(config.size, config.colours, config.rate)
    columns = config.label_column, config.subject_column
    return ClipFiles(config.kind, frames, *columns, config.recorded_rate)


def read_one(path: Path, bundle: Bundle) -> list[Recording]:
    """Return the streams in one file, as a bundle's network reads them."""
    settings = bundle.preprocessing
    given = replace(
        ActionConfig(),
        **{
            name: bundle.manifest["config"][name]
            for name in ("kind", "size", "colours", "label_column", "subject_column", "recorded_rate")
        },
    )
    wanted = replace(
        files_of(replace(given, rate=float(settings["sample_rate"]))), joints=tuple(settings["joints"])
    )
    streams, _ = read_clip(path, wanted)
    for each in streams:
        if each.signal.shape[1:] != tuple(settings["shape"]):
            raise UserError(f"{path}: expected {settings['shape'][0]} joints, got {each.signal.shape[1]}")
    return streams


def _windows(
    config: ActionConfig, clips: Sequence[Recording], name: str, notes: Sequence[str], *, as_given: bool
) -> WindowedData:
    rate = clips[0].rate
    ready = [_without_actions(each, config.nothing) for each in clips]
    if as_given:
        ready = [replace(each, split=each.split or "test") for each in ready]
    else:
        ready, more = by_person(ready, name)
        notes = [*notes, *more]
    labels = _labels(config, ready, name, some=as_given)
    data = windowed(ready, cutting_of(config, rate, labels), name, notes)
    for split in data.splits if as_given else ("train", "validation", "test"):
        if not len(data.splits[split]):
            raise UserError(f"{name}: {split}: no window of {config.window:g} s has one of the labels")
    return data


def _without_actions(clip: Recording, nothing: str) -> Recording:
    """Return the clip with the label of what is no action as the pipelines call it."""
    spans = tuple(span._replace(label=NOTHING) if span.label == nothing else span for span in clip.spans)
    return replace(clip, spans=spans)


def _labels(config: ActionConfig, clips: Sequence[Recording], name: str, *, some: bool) -> tuple[str, ...]:
    """Return the labels to tell apart, `NOTHING` last. If `some` are enough, the data may lack the others."""
    found = sorted({span.label for each in clips for span in each.spans})
    for label in config.labels or ():
        if label not in found and not some:
            raise UserError(f"--labels: {name} has {', '.join(found) or 'no labels'}; got {label!r}")
    labels = [label for label in config.labels or found if label not in (NOTHING, config.nothing)]
    labels += [NOTHING] * (NOTHING in found)
    if len(labels) < (1 if some else 2):
        raise UserError(f"{name}: expected at least two labels, found {', '.join(found) or 'none'}")
    return tuple(labels)
