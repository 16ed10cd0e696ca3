"""Frames of a camera while they are taken, through OpenCV."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..errors import UserError
from .video_frames import Frames, fitted

_TRIES = 30  # cameras may give nothing at first, or leave out a frame


class Capture(Protocol):
    """What is used of OpenCV's VideoCapture."""

    def isOpened(self) -> bool:  # noqa: N802
        """Return whether there is a camera."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there is a frame, and the frame, uint8 (height, width, 3): blue, green, red."""

    def release(self) -> None:
        """Let go of the camera."""


class CameraFrame(NamedTuple):
    """A frame of a camera."""

    small: np.ndarray
    """uint8 (size, size, colours), as `read_video` makes it."""
    large: np.ndarray
    """uint8 (height, width, 3): red, green, blue."""
    seconds: float
    """From the first frame."""


def camera_frames(
    wanted: Frames,
    number: int = 0,
    *,
    capture: Capture | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[CameraFrame]:
    """Yield the frames of a camera, without end. The camera is let go when the iterator is closed.

    Of a camera that is faster than `wanted.rate`, frames are left out. Of one that is slower, or whose frames
    are used more slowly, there are fewer.

    Args:
        wanted: how the small frames are made.
        number: of the camera; 0 is the first.
        capture: in place of the camera, for tests.
        clock: gives seconds.

    Raises:
        UserError: OpenCV is not installed, there is no such camera, or it gives no frames any more.
    """
    camera = capture or _opened(number)
    try:
        if not camera.isOpened():
            raise UserError(
                f"camera {number}: can't be opened; is it connected, and used by no other program?"
            )
        box = wanted.size, wanted.size
        start, due = None, 0
        while True:
            large = _next(camera, number)
            now = clock()
            start = now if start is None else start
            if wanted.rate is not None:
                if (now - start) * wanted.rate < due - 0.01:  # clocks round
                    continue
                due = int((now - start) * wanted.rate + 0.01) + 1
            yield CameraFrame(_small(large, box, wanted.colours), large, now - start)
    finally:
        camera.release()


def opencv(use: str) -> Any:
    """Return the module cv2, which is an extra.

    Args:
        use: what needs it, for the error: `a camera`.

    Raises:
        UserError: OpenCV is not installed, or a library of the system that it needs.
    """
    try:
        import cv2
    except ImportError as error:
        raise UserError(f'{use} needs OpenCV: pip install "unrolled[camera]": {error}') from None
    return cv2


def _opened(number: int) -> Capture:
    cv2 = opencv("a camera")
    try:
        camera = cv2.VideoCapture(number)
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not one that waited
    except Exception as error:
        raise UserError(f"camera {number}: can't be opened: {str(error).partition(chr(10))[0]}") from None
    return camera


def _next(camera: Capture, number: int) -> np.ndarray:
    """Return the next frame in red, green and blue, uint8 (height, width, 3)."""
    why = "it gives no frames (any more)"
    for _ in range(_TRIES):
        try:
            there, frame = camera.read()
        except Exception as error:  # OpenCV's own
            why = str(error).partition("\n")[0]
            continue
        if there and frame is not None and frame.size:
            frame = np.asarray(frame, np.uint8)
            if frame.ndim == 2 or frame.shape[2] == 1:
                return np.repeat(frame.reshape(*frame.shape[:2], 1), 3, axis=2)
            return np.ascontiguousarray(frame[:, :, 2::-1])
    raise UserError(f"camera {number}: {why}")


def _small(large: np.ndarray, box: tuple[int, int], colours: int) -> np.ndarray:
    from PIL import Image

    return fitted(Image.fromarray(large), box, colours)
