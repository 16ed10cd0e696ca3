"""Decode video files through PyAV, one frame after the other: upright, scaled, with its time.

What can't be decoded is counted and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .video_frames import MAX_PIXELS, Times, shape_in

if TYPE_CHECKING:
    import av
    from av.video.reformatter import VideoReformatter

_USUAL_RATE = 25.0


@dataclass
class Picture:
    """A frame of a video, as it was decoded. It must be scaled before the next one is asked for."""

    seconds: float
    """From the start of the video."""
    lasts: float
    """Seconds until the next frame; 0 if the file doesn't say."""
    shape: tuple[float, int]
    """Width and height of the upright picture. The width counts square pixels, and may be a fraction."""
    frame: av.VideoFrame
    scaler: VideoReformatter

    def scaled(self, box: tuple[int, int], colours: int) -> np.ndarray:
        """Return the upright picture, uint8 (height, width, colours), as large as fits into the box."""
        from av.video.reformatter import Interpolation

        width, height = shape_in(self.shape, box)
        turn = _turn(self.frame)
        stored = (height, width) if turn.transposed else (width, height)
        # Without these, swscale halves the resolution of colours, and rounds badly.
        exact = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
        small = self.scaler.reformat(
            self.frame,
            width=stored[0],
            height=stored[1],
            format="gray" if colours == 1 else "rgb24",
            interpolation=exact,
            threads=1,  # more would wait for each other longer than they work
        )
        return turn.of(small.to_ndarray().reshape(stored[1], stored[0], colours))


@dataclass(frozen=True)
class _Turn:
    """How a stored frame is turned upright: rows and columns exchanged, then mirrored."""

    transposed: bool = False
    columns: int = 1
    rows: int = 1

    def of(self, pixels: np.ndarray) -> np.ndarray:
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return np.ascontiguousarray(turned[:: self.rows, :: self.columns])


def _turn(frame: av.VideoFrame) -> _Turn:
    """Return the turn of a frame's display matrix: x' = a x + c y, y' = b x + d y."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
            transposed = abs(b) + abs(c) > abs(a) + abs(d)
            across, along = (c, b) if transposed else (a, d)
            return _Turn(transposed, -1 if across < 0 else 1, -1 if along < 0 else 1)
    return _Turn()


@dataclass
class VideoFile:
    """An open video; see `video_opening.opened`."""

    path: Path
    container: Any
    stream: Any
    cut: bool = False
    """Whether the end is missing, as far as that is known without decoding."""
    times: Times = field(default_factory=Times)
    """Of the frames decoded so far."""
    end: float = 0.0
    """Seconds; where the last frame ends."""
    faults: int = 0
    """How often decoding failed so far."""

    @property
    def tick(self) -> float:
        """Return the unit of times in the file, in seconds."""
        return float(self.stream.time_base or 0)

    @property
    def rounding(self) -> float:
        """Return the seconds by which times may be off, since they are rounded to ticks."""
        return min(self.tick / 2, 0.2 / self.stated_rate)

    @property
    def rate(self) -> float:
        """Return the mean rate of the frames decoded so far, or the stated rate if that is the same.

        With frames left out, the stated rate may differ more from what is measured.
        """
        return self.times.rate(self.stated_rate, 0.25 if self.faults else 0.01)

    @property
    def varies(self) -> bool:
        """Return whether the frames decoded so far have a rate that varies."""
        return not self.faults and self.times.vary(2 * self.rounding)

    @property
    def stated_rate(self) -> float:
        """Return the frames per second that the file states."""
        stated = self.stream.average_rate or self.stream.guessed_rate or 0
        return float(stated) if 0.001 < stated <= 1000 else _USUAL_RATE

    def pictures(self) -> Iterator[Picture]:
        """Yield the frames that can be decoded.

        Raises:
            UserError: a frame has too many pixels.
        """
        from av.video.reformatter import VideoReformatter

        scaler = VideoReformatter()
        for frame in self._decoded():
            check_pixels(self.path, frame.width, frame.height)
            lasts = float((frame.duration or 0) * self.tick)
            stamp = frame.dts if self._is_avi else frame.pts
            seconds = float(stamp * self.tick) if stamp is not None else self._next()
            self.times.add(seconds)
            self.end = self.times.last + (lasts or 1 / self.rate)
            yield Picture(seconds - self.times.first, lasts, self._shape(frame), frame, scaler)
        self.cut |= self._missing() > 1.5

    @property
    def _is_avi(self) -> bool:
        """Return whether frames have no times of their own: FFmpeg guesses some, in another order."""
        return self.container.format.name == "avi"

    def _next(self) -> float:
        return self.times.last + 1 / self.stated_rate if self.times.count else 0.0

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Yield frames. What can't be decoded is counted and left out."""
        import av

        packets = self.container.demux(self.stream)
        while True:
            try:
                frames = next(packets).decode()
            except StopIteration:
                return
            except av.error.EOFError:
                return
            except (av.FFmpegError, MemoryError, ValueError) as error:
                self.faults += 1
                if not isinstance(error, av.error.InvalidDataError) and self.faults > 100:
                    return
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.faults += 1
                else:
                    yield frame

    def _shape(self, frame: av.VideoFrame) -> tuple[float, int]:
        aspect = self.stream.sample_aspect_ratio or self.stream.codec_context.sample_aspect_ratio
        wide = min(max(float(aspect or 1), 0.01), 100.0)
        if _turn(frame).transposed:
            return frame.height / wide, frame.width
        return frame.width * wide, frame.height

    def _missing(self) -> float:
        """Return how many frames the file says to have after the last one."""
        stated = self.stream.duration
        length = stated * self.tick if stated else _seconds(self.stream.metadata.get("DURATION", ""))
        if self._is_avi:  # FFmpeg shortens the duration of a file that is cut
            return self.stream.frames - (self.end - self.times.first) / (self.tick or 1)
        start = (self.stream.start_time or 0) * self.tick
        return (start + length - self.end) * self.rate if length else 0.0

    def note(self) -> str:
        """Return one line about what is missing; empty if nothing is."""
        if not self.cut and not self.faults:
            return ""
        kept, stated = self.times.count, self.stream.frames
        of = f" of {stated:,}" if stated > kept else ""
        return f"{self.path.name}: damaged or cut short: {kept:,}{of} frames could be decoded"


def _seconds(text: str) -> float:
    """Return the seconds of a Matroska tag such as 00:01:02.5; 0 if it is none."""
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)\0*", text)
    return float(found[1]) * 3600 + float(found[2]) * 60 + float(found[3]) if found else 0.0


def check_pixels(path: Path, width: int, height: int) -> None:
    """Raise UserError if a frame is larger than MAX_PIXELS."""
    if width * height > MAX_PIXELS:
        most = f"{MAX_PIXELS:,} pixels a frame"
        raise UserError(f"{path}: expected at most {most}, found {width:,} x {height:,}")
