"""Read videos into small square frames: video files through PyAV, and folders of images through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from .frame_folders import RATE, FrameFolder
from .video_decoding import VideoFile
from .video_frames import AtEqualTimes, Frames, Kept, fitted, in_box, shape_in
from .video_opening import opened

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".gif", ".webm", ".mkv")
"""Of video files. What a file is, its content decides."""


class Video(NamedTuple):
    """A video that was read."""

    frames: np.ndarray
    """uint8 (frames, size, size, colours), colours 1 or 3. Pictures keep their shape; the rest is black."""
    rate: float
    """Frames per second."""
    notes: tuple[str, ...]
    """One line each: what was mended or left out."""


class LargeFrame(NamedTuple):
    """A frame of a video, as people look at it."""

    seconds: float
    """From the first frame."""
    pixels: np.ndarray
    """uint8 (height, width, 3)."""


def read_video(path: Path, wanted: Frames) -> Video:
    """Read a video file, or a folder of images in the order of their names, where 9 comes before 10.

    With a `wanted.rate`, a video file is read at that rate: at each instant the frame that is shown then. A
    folder's images are the frames at that rate. Frames that can't be decoded are left out, with a note.

    Raises:
        UserError: one line: the file or folder is missing, is no video, has no frame that can be decoded, or
            frames of more than MAX_PIXELS, or more frames than fit in MAX_BYTES; see `video_frames`.
    """
    return _of_folder(path, wanted) if path.is_dir() else _of_file(path, wanted)


def large_frames(path: Path, longest: int, folder_rate: float = RATE) -> Iterator[LargeFrame]:
    """Yield all frames of a video file or a folder of images, upright, in colours, one after the other.

    All have the size of the first one: of another size, they are fitted into it. Both sides are even, as
    encoders need them.

    Args:
        path: the file or folder.
        longest: pixels of the longer side. Smaller videos are enlarged, to half of it at least.
        folder_rate: frames per second of a folder.

    Raises:
        UserError: as for `read_video`.
    """
    box = None
    if path.is_dir():
        for number, image in enumerate(FrameFolder(path).images(longest)):
            box = box or _even(image.size, longest)
            yield LargeFrame(number / folder_rate, fitted(image, box, 3))
        return
    with opened(path) as video:
        for picture in video.pictures():
            box = box or _even(picture.shape, longest)
            yield LargeFrame(picture.seconds, in_box(picture.scaled(box, 3), box))
        _require_frames(path, video)


def _even(shape: tuple[float, int], longest: int) -> tuple[int, int]:
    side = min(longest, max(longest // 2, round(max(shape))))
    width, height = shape_in(shape, (side, side))
    return max(2, width - width % 2), max(2, height - height % 2)


def _of_file(path: Path, wanted: Frames) -> Video:
    box = wanted.size, wanted.size
    kept = Kept(str(path), wanted)
    with opened(path) as video:
        steps = AtEqualTimes(wanted.rate, video.rounding) if wanted.rate else None
        for picture in video.pictures():
            small = in_box(picture.scaled(box, wanted.colours), box)
            if steps:  # a wrong time may ask for millions of frames
                kept.require_room(steps.due(picture.seconds))
            for frame in steps.add(picture.seconds, small) if steps else (small,):
                kept.add(frame)
        _require_frames(path, video)
        for frame in steps.until(video.end - video.times.first) if steps else ():
            kept.add(frame)
        rate = wanted.rate or video.rate
        return Video(kept.array(), rate, tuple(_notes(video, wanted)))


def _require_frames(path: Path, video: VideoFile) -> None:
    if not video.times.count:
        why = "all are damaged or cut off" if video.faults or video.stream.frames else "found none"
        raise UserError(f"{path}: expected frames in the video, {why}")


def _notes(video: VideoFile, wanted: Frames) -> Iterator[str]:
    if note := video.note():
        yield note
    if wanted.rate is None and video.varies:
        yield f"{video.path.name}: the rate varies; {video.rate:.4g} frames a second is its average"


def _of_folder(path: Path, wanted: Frames) -> Video:
    folder, kept = FrameFolder(path), Kept(str(path), wanted)
    for image in folder.images(2 * wanted.size):
        kept.add(fitted(image, (wanted.size, wanted.size), wanted.colours))
    notes = [folder.note()] if folder.note() else []
    if wanted.rate is None:
        notes.append(f"{path.name}: images have no rate, taken as {RATE:g} frames a second")
    return Video(kept.array(), wanted.rate or RATE, tuple(notes))
