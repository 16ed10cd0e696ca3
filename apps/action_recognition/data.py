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
from pipelines.data.labelled_windows import labels_of, windows_of, with_splits
from pipelines.data.recordings import Recording
from pipelines.data.video_files import Frames
from pipelines.data.windows import NOTHING, WindowedData
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
    named, more = with_splits([_without_actions(each, config) for each in clips], name, as_given=as_given)
    nothing = any(span.label == NOTHING for each in named for span in each.spans)
    labels = labels_of(named, config.labels, name, with_nothing=nothing, some=as_given)
    cutting = cutting_of(config, named[0].rate, labels)
    return windows_of(named, cutting, name, [*notes, *more], as_given=as_given)


def _without_actions(clip: Recording, config: ActionConfig) -> Recording:
    """Return the clip with the label of what is no action as the pipelines call it."""
    spans = [span._replace(label=NOTHING) if span.label == config.nothing else span for span in clip.spans]
    return replace(clip, spans=tuple(spans))
