"""Small square frames of videos: how pictures are fitted into them, and how equal times are made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 40_000_000
"""Larger pictures are refused before they are decoded; 8K has 33 million pixels."""
MAX_BYTES = 1 << 30
"""Of the small frames of one video: 9 hours of 32 x 32 grey frames at 30 a second."""
_SIZES = 1, 4096


@dataclass(frozen=True)
class Frames:
    """How videos are read."""

    size: int = 32
    """Rows and columns."""
    colours: int = 1
    """1 for grey, 3 for red, green and blue."""
    rate: float | None = None
    """Frames per second. None: those of the video."""

    def __post_init__(self) -> None:
        if not _SIZES[0] <= self.size <= _SIZES[1]:
            raise UserError(f"size of frames: expected {_SIZES[0]} to {_SIZES[1]:,}, got {self.size}")
        if self.colours not in (1, 3):
            raise UserError(f"colours of frames: expected 1 or 3, got {self.colours}")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise UserError(f"rate of frames: expected more than 0 and at most 1,000, got {self.rate}")


def shape_in(shape: tuple[float, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the width and height of a picture that is fitted into a box and keeps its shape.

    Args:
        shape: width and height; the width may be a fraction, where pixels are not square.
        box: the width and height that it must not exceed.
    """
    scale = min(box[0] / shape[0], box[1] / shape[1])
    width, height = (max(1, min(most, round(side * scale))) for side, most in zip(shape, box, strict=True))
    return width, height


def in_box(pixels: np.ndarray, box: tuple[int, int]) -> np.ndarray:
    """Return pixels, (height, width, colours), in the middle of a box (width, height) that is black."""
    width, height = box
    if pixels.shape[:2] == (height, width):
        return pixels
    whole = np.zeros((height, width, pixels.shape[2]), np.uint8)
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return whole


def fitted(image: Image.Image, box: tuple[int, int], colours: int) -> np.ndarray:
    """Return an image as uint8 (height, width, colours), fitted into a box of width and height.

    It is scaled as frames of videos are: each pixel is a mean, weighted by the distance.
    """
    from PIL import Image

    shape = shape_in(image.size, box)
    small = image.convert("L" if colours == 1 else "RGB").resize(shape, Image.Resampling.BILINEAR)
    return in_box(np.array(small).reshape(shape[1], shape[0], colours), box)


class Kept:
    """The small frames of a video, one after the other in one block of memory."""

    def __init__(self, name: str, wanted: Frames) -> None:
        self._name, self._wanted, self._pixels = name, wanted, bytearray()
        self._bytes = wanted.size**2 * wanted.colours

    def add(self, frame: np.ndarray) -> None:
        """Keep a frame.

        Raises:
            UserError: there are more than fit in MAX_BYTES.
        """
        self.require_room(len(self) + 1)
        self._pixels += frame.tobytes()

    def require_room(self, count: int) -> None:
        """Raise UserError if so many frames don't fit in MAX_BYTES."""
        if count * self._bytes > MAX_BYTES:
            most, size = MAX_BYTES // self._bytes, self._wanted.size
            raise UserError(
                f"{self._name}: expected at most {most:,} frames of {size} x {size}, found more: "
                "cut the video, or read it at a lower rate"
            )

    def __len__(self) -> int:
        return len(self._pixels) // self._bytes

    def array(self) -> np.ndarray:
        """Return all frames, uint8 (frames, size, size, colours)."""
        size = self._wanted.size
        return np.frombuffer(self._pixels, np.uint8).reshape(-1, size, size, self._wanted.colours)


class AtEqualTimes:
    """Frames at a fixed rate: at each instant the frame that is shown then, which is the last one before it.

    Args:
        rate: instants per second; the first frame is the first instant.
        tolerance: seconds by which a time may be rounded.
    """

    def __init__(self, rate: float, tolerance: float) -> None:
        self._rate, self._tolerance = rate, tolerance
        self._shown: np.ndarray | None = None
        self._start, self._count = 0.0, 0

    def add(self, seconds: float, frame: np.ndarray) -> Iterator[np.ndarray]:
        """Take the next frame and its time, and yield what was shown at the instants before it."""
        if self._shown is None:
            self._start = seconds
        yield from self.until(seconds)
        self._shown = frame

    def due(self, seconds: float) -> int:
        """Return the number of instants before a time."""
        return max(0, math.ceil((seconds - self._start - self._tolerance - 1e-9) * self._rate))

    def until(self, seconds: float) -> Iterator[np.ndarray]:
        """Yield what is shown at the instants before a time that had no turn yet."""
        while self._shown is not None and self._count < self.due(seconds):
            self._count += 1
            yield self._shown


class Times:
    """The times of frames: their number, their mean rate, and whether they are equally far apart."""

    def __init__(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0
        self._least, self._most = math.inf, 0.0

    def add(self, seconds: float) -> None:
        """Count a frame at this time."""
        if self.count:
            self._least = min(self._least, seconds - self.last)
            self._most = max(self._most, seconds - self.last)
        else:
            self.first = seconds
        self.count, self.last = self.count + 1, max(seconds, self.last if self.count else seconds)

    def rate(self, stated: float, tolerance: float) -> float:
        """Return frames per second: the stated rate, which is exact, if about the same is measured."""
        lasted = self.last - self.first
        if self.count < 2 or lasted <= 0:
            return stated
        measured = (self.count - 1) / lasted
        return stated if abs(measured / stated - 1) < tolerance else measured

    def vary(self, tolerance: float) -> bool:
        """Return whether the distances differ, by more than times that are rounded to `tolerance` can."""
        if self.count < 3:
            return False
        mean = (self.last - self.first) / (self.count - 1)
        return self._most - self._least > 2.2 * tolerance + 0.1 * mean
