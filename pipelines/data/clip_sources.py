"""Read the user's clips and streams as recordings: videos as small frames, or sequences of joints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .clip_folders import Clips, Kind, find_clips
from .grouped_notes import Noted, grouped
from .joint_files import JointReading, read_joints, with_joints
from .recording_tables import Columns, Told
from .recordings import Recording, spans_within
from .video_files import Frames, Video, read_video


@dataclass(frozen=True)
class ClipFiles:
    """How clips are read."""

    kind: Kind
    frames: Frames = field(default_factory=Frames)
    """The size and colours of videos, and the rate, of joints, too. Default: the rate of the first clip."""
    label_column: str = "label"
    """The column, or array, with labels."""
    subject_column: str = "subject"
    """The column, or array, that names the person who acts."""
    rate: float | None = None
    """Frames a second of what doesn't tell its rate: joints without times, folders of images."""
    joints: tuple[str, ...] = ()
    """The names of the joints to read, in order. Default: all, in the order of the first file."""


def read_clips(path: Path, wanted: ClipFiles) -> tuple[list[Recording], list[str]]:
    """Return the clips and streams at a path, in the order of their names, and notes.

    A signal is uint8 (frames, size, size, colours), or float32 (frames, joints, 3) with the joints' names as
    `channels`. Splits and persons are those that the data names; `people.by_person` gives the others.
    Pieces of one sequence have one name. Videos that can't be read are left out, with a note.

    Args:
        path: a clip, or a folder of them; see `clip_folders.find_clips`.
        wanted: the settings.

    Raises:
        UserError: one line: there is no clip, none can be read, or a file of joints is malformed.
    """
    path = path.expanduser()
    return _read(find_clips(path, wanted.kind), path.resolve().name, wanted)


def read_clip(path: Path, wanted: ClipFiles) -> tuple[list[Recording], list[str]]:
    """Return the recordings of a single clip or stream, or file of them, and notes; see `read_clips`."""
    path = path.expanduser()
    return _read(Clips(path.parent, {path.name: Told()}, []), path.name, wanted)


def _read(clips: Clips, source: str, wanted: ClipFiles) -> tuple[list[Recording], list[str]]:
    reader = _Videos(wanted) if wanted.kind == "video" else _Joints(wanted)
    for name, told in tqdm(clips.told.items(), "reading clips", unit="file", leave=False, disable=None):
        reader.add(clips.root, name, told)
    notes = [*clips.notes, *grouped(source, reader.noted)]
    if not reader.recordings:
        raise reader.error or UserError(notes[-1])
    return reader.recordings, notes


class _Reader:
    """Collects recordings, and what is to be noted of them."""

    def __init__(self, wanted: ClipFiles) -> None:
        self._wanted = wanted
        self._columns = Columns(wanted.label_column, wanted.subject_column, wanted.joints, wanted.rate)
        self.recordings: list[Recording] = []
        self.noted: list[Noted] = []
        self.error: UserError | None = None
        """The first one of a clip that is left out."""

    @property
    def _rate(self) -> float | None:
        """Return the frames a second that all clips get."""
        return self._wanted.frames.rate or (self.recordings[0].rate if self.recordings else None)

    def add(self, root: Path, name: str, told: Told) -> None:
        """Read a file."""
        raise NotImplementedError


class _Joints(_Reader):
    def add(self, root: Path, name: str, told: Told) -> None:
        path = root / name
        pieces, noted = read_joints(path, JointReading(self._columns, self._rate), told)
        for piece in pieces:
            if self.recordings:
                first = self.recordings[0]
                piece = with_joints(piece, first.channels, first.signal.shape[1])
            self.recordings.append(replace(piece, name=name + piece.name.removeprefix(str(path))))
        if self.recordings and not self._columns.channels:
            self._columns = replace(self._columns, channels=self.recordings[0].channels)
        self.noted += [each._replace(where=name + each.where.removeprefix(str(path))) for each in noted]


class _Videos(_Reader):
    def add(self, root: Path, name: str, told: Told) -> None:
        path, said = root / name, told.rate(root / name) or self._wanted.rate
        try:
            video = self._read(path, said)
        except UserError as error:
            self.error = self.error or error
            where = str(error).removeprefix(f"{root}/")
            self.noted.append(Noted("videos are left out that can't be read", where, 1))
            return
        self.noted += [Noted(note.removeprefix(f"{path.name}: "), name) for note in video.notes]
        recording = told.added(Recording(name, video.frames, video.rate, ()), self._columns)
        seconds = recording.seconds
        late = sum(span.start >= seconds for span in recording.spans)
        self.noted += [Noted("labelled stretches are left out, after the end", name, late)] * bool(late)
        self.recordings.append(replace(recording, spans=spans_within(recording.spans, 0.0, seconds)))

    def _read(self, path: Path, said: float | None) -> Video:
        """Read a video; `said` is the rate of a folder of images."""
        rate = self._rate
        if path.is_dir() and said:
            return _at_rate(read_video(path, replace(self._wanted.frames, rate=said)), rate or said)
        return read_video(path, replace(self._wanted.frames, rate=rate))


def _at_rate(video: Video, rate: float) -> Video:
    return video._replace(frames=video.frames[shown_at(len(video.frames), video.rate, rate)], rate=rate)


def shown_at(frames: int, rate: float, wanted: float) -> np.ndarray:
    """Return the numbers of the frames that are shown at equal times, (times,), at least one.

    Args:
        frames: how many there are.
        rate: of them, a second.
        wanted: the times in a second.
    """
    count = max(1, round(frames * wanted / rate))
    shown = np.floor(np.arange(count) * (rate / wanted) + 1e-6).astype(np.int64)
    return np.minimum(shown, frames - 1)
