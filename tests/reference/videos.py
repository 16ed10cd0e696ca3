"""Small videos for tests, made with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".mov": ("mjpeg", "yuvj420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".gif": ("gif", "rgb8"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".mkv": ("ffv1", "yuv420p"),
}
"""Of a kind of file: the encoder and the format of its pixels."""
RATE = 25


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    times: Sequence[float] | None = None,
    rate: int = RATE,
    prepare: Callable[[Any], None] = lambda stream: None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames, uint8 (height, width, 3), to a video of the kind that the name says.

    Args:
        path: the file.
        frames: all of the same size.
        times: of the frames, in seconds. Default: at `rate`.
        rate: frames per second.
        prepare: is called with the stream before the first frame.
        options: of FFmpeg's muxer.
    """
    codec, pixels = CODECS[path.suffix]
    with av.open(path, "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        prepare(stream)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            picture = picture.reformat(format=stream.pix_fmt, threads=1)
            picture.time_base = Fraction(1, 1000) if times is not None else Fraction(1, rate)
            picture.pts = round(1000 * times[number]) if times is not None else number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def greys(values: Sequence[int], shape: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Return frames that are all over of one grey each."""
    return [np.full((*shape, 3), value, np.uint8) for value in values]
