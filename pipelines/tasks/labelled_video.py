"""Write a video again with what was recognised in it: a bar below the pictures tells the label.

The pictures are read, drawn on and written one after the other, so that a long video needs no more memory
than a short one. Sound is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from ..data.frame_folders import RATE
from ..data.video_files import LargeFrame, large_frames
from ..errors import UserError
from ..files import atomic_file
from .fonts import font_of
from .stroke_ink import printable

if TYPE_CHECKING:
    from PIL import ImageFont

KINDS = (".mp4", ".gif")
"""Of videos that are written."""
_ENCODERS = ("libx264", "mpeg4")  # the first that this build of FFmpeg has
_LONGEST = {".mp4": 1280, ".gif": 480}  # pixels of the longer side of a picture
_BAR = 28, 14  # the least rows of a bar, and by how much pictures are higher than it
_BACKGROUND, _FILLED, _WRITING = (24, 24, 28), (38, 92, 150), (255, 255, 255)
_TICKS = 1000  # a second
_GIF_TICKS = 100


class Seen(NamedTuple):
    """What is told from a moment on."""

    seconds: float
    """From the first frame of the video."""
    label: str
    probability: float | None = None
    """From 0 to 1; None: it is not told."""


def write_labelled(path: Path, source: Path, seen: Sequence[Seen], folder_rate: float = RATE) -> None:
    """Write a video or a folder of images again, with labels, as MP4 or GIF by the suffix of `path`.

    An MP4 has H.264, or MPEG-4 if FFmpeg lacks that. Pictures keep their times; those larger than 1,280
    pixels, 480 in a GIF, are made smaller. Nobody ever sees a part of the file.

    Args:
        path: the new file.
        source: the video.
        seen: what is told from which moment on, in the order of time.
        folder_rate: images per second of a folder.

    Raises:
        UserError: `path` is no MP4 or GIF, is the video itself or can't be written; or see `read_video`.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UserError(f"{path}: expected a name that ends in {' or '.join(KINDS)}")
    if path.exists() and source.exists() and path.samefile(source):
        raise UserError(f"{path}: expected another file than the video that is read")
    frames = _labelled(large_frames(source, _LONGEST[kind], folder_rate), seen)
    first = next(frames)  # a video that can't be read leaves nothing behind
    try:
        with atomic_file(path) as file:
            _encode(file, kind, first, frames)
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror or error}") from error


def labelled(pixels: np.ndarray, label: str, probability: float | None = None) -> np.ndarray:
    """Return a picture, uint8 (height, width, 3), with a bar below it, as many rows higher.

    The bar has the label, and the probability as a number and by how much of it is filled.
    """
    from PIL import Image, ImageDraw

    height, width = pixels.shape[:2]
    bar = max(_BAR[0], height // _BAR[1] // 2 * 2)
    image = Image.new("RGB", (width, height + bar), _BACKGROUND)
    image.paste(Image.fromarray(pixels), (0, 0))
    draw, font = ImageDraw.Draw(image), font_of(round(0.6 * bar), label.isascii())
    share = "" if probability is None else f"{probability:.0%}"
    if probability and (filled := round(width * min(probability, 1.0))):
        draw.rectangle((0, height, filled - 1, height + bar - 1), _FILLED)
    middle, edge = height + bar / 2, bar / 4
    draw.text((width - edge, middle), share, _WRITING, font, anchor="rm")
    room = width - 3 * edge - draw.textlength(share, font)
    draw.text((edge, middle), _cut(printable(label), room, font), _WRITING, font, anchor="lm")
    return np.array(image)


def _cut(text: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    """Return as much of a text as has room, with dots for the rest."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}...") > room:
        text = text[:-1]
    return f"{text}..." if text else ""


def _labelled(frames: Iterable[LargeFrame], seen: Sequence[Seen]) -> Iterator[LargeFrame]:
    place, now = 0, Seen(0.0, "")
    for frame in frames:
        while place < len(seen) and seen[place].seconds <= frame.seconds + 1e-6:
            now, place = seen[place], place + 1
        yield LargeFrame(frame.seconds, labelled(frame.pixels, now.label, now.probability))


def _encode(file: BinaryIO, kind: str, first: LargeFrame, others: Iterable[LargeFrame]) -> None:
    """Write the frames with their times, which encoders want to increase."""
    import av

    ticks = _TICKS if kind == ".mp4" else _GIF_TICKS
    with av.open(file, "w", format=kind[1:]) as container:
        stream = container.add_stream(_encoder() if kind == ".mp4" else "gif", rate=ticks)
        stream.height, stream.width = first.pixels.shape[:2]
        stream.pix_fmt = "yuv420p" if kind == ".mp4" else "pal8"
        stream.codec_context.time_base = Fraction(1, ticks)
        stream.codec_context.thread_count = 1
        if stream.codec_context.name == "mpeg4":
            stream.codec_context.bit_rate = 4_000_000
        elif stream.codec_context.name == "libx264":
            stream.codec_context.options = {"preset": "veryfast"}
        last = -1
        for frame in itertools.chain([first], others):
            last = _write(container, stream, frame, last)
        container.mux(stream.encode())


def _write(container: Any, stream: Any, frame: LargeFrame, last: int) -> int:
    """Encode a frame, and return its time in ticks."""
    import av

    base = stream.codec_context.time_base
    if stream.pix_fmt == "pal8":
        picture = _with_palette(frame.pixels)
    else:
        picture = av.VideoFrame.from_ndarray(frame.pixels, "rgb24").reformat(format=stream.pix_fmt, threads=1)
    picture.time_base = base
    picture.pts = max(last + 1, round(frame.seconds / base))
    container.mux(stream.encode(picture))
    return picture.pts


def _with_palette(pixels: np.ndarray) -> Any:
    """Return a frame of 256 colours, which are chosen for it."""
    import av
    from PIL import Image

    chosen = Image.fromarray(pixels).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.full((256, 4), 255, np.uint8)  # opaque, red, green, blue
    colours = np.array(chosen.getpalette(), np.uint8).reshape(-1, 3)
    palette[: len(colours), 1:] = colours
    return av.VideoFrame.from_ndarray((np.array(chosen), palette), "pal8")


def _encoder() -> str:
    import av

    for name in _ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        return name
    raise UserError(f"writing MP4 needs an encoder of FFmpeg: expected {' or '.join(_ENCODERS)}")
