"""Open video files through PyAV. Only files are opened, and only videos.

FFmpeg also reads lists of other files and of addresses on the network, and takes a file for what its content
says. So the kind is decided here, by the first bytes, and FFmpeg is given it; no protocol is allowed, and
only decoders that videos are made for. Nothing is decoded before the number of pixels is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UserError
from ..files import require_regular
from .video_decoding import VideoFile, check_pixels
from .video_frames import MAX_PIXELS

KINDS = "MP4, MOV, AVI, GIF, WebM or MKV"
"""The videos that are read, for messages."""
_MOST_BYTES = 1 << 36
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # what an MP4 or MOV begins with
_CODECS = frozenset(
    [
        *("av1", "cinepak", "dnxhd", "dvvideo", "ffv1", "ffvhuff", "flv1", "gif", "h263", "h264", "hevc"),
        *("huffyuv", "indeo5", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2"),
        *("msmpeg4v3", "msrle", "msvideo1", "png", "prores", "qtrle", "rawvideo", "svq1", "svq3", "theora"),
        *("utvideo", "vp8", "vp9", "wmv1", "wmv2", "wmv3"),
    ]
)
"""FFmpeg's names of what is decoded. It has hundreds of decoders more, which few have looked at."""
_OPTIONS = {
    "codec_whitelist": "none",  # opening decodes nothing: a bomb would be unpacked before its size is known
    "protocol_whitelist": "none",  # a file may name others, which are not opened
}


@contextlib.contextmanager
def opened(path: Path) -> Iterator[VideoFile]:
    """Open a video file.

    Raises:
        UserError: one line: the file is missing, not a video of KINDS, too large or damaged, or PyAV is
            missing.
    """
    try:
        import av
    except ImportError:
        raise UserError(f'{path}: reading videos needs av: pip install "unrolled[video]"') from None
    try:
        require_regular(path, _MOST_BYTES, f"a video ({KINDS})")
        file = path.open("rb")
    except IsADirectoryError:
        raise UserError(f"{path}: expected a video ({KINDS}), found a folder") from None
    except OSError as error:
        raise UserError(f"{path}: expected a video ({KINDS}): {error.strerror}") from None
    with file:
        kind, cut = _kind(path, file)
        try:
            container = av.open(file, format=kind, options=_OPTIONS, metadata_errors="replace")
        except Exception as error:  # of many types, for damaged files
            raise UserError(f"{path}: expected a video, found a damaged or cut one: {_why(error)}") from None
        with container:
            yield VideoFile(path, container, _stream(path, container), cut)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__


def _kind(path: Path, file: BinaryIO) -> tuple[str, bool]:
    """Return FFmpeg's name of the kind of file, by its first bytes, and whether a GIF lacks its end."""
    start = file.read(16)
    file.seek(0)
    if start[4:8] in _BOXES:
        return "mov", False
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return "avi", False
    if start[:4] == b"\x1aE\xdf\xa3":
        return "matroska", False
    if start[:6] in (b"GIF87a", b"GIF89a"):
        size = file.seek(0, 2)
        file.seek(max(0, size - 1024))
        cut = file.read(1024).rstrip(b"\0")[-1:] != b";"
        file.seek(0)
        return "gif", cut
    found = "another kind of file" if start else "an empty file"
    raise UserError(f"{path}: expected a video ({KINDS}), found {found}")


def _stream(path: Path, container: Any) -> Any:
    """Return the first stream of video that is not the cover of a piece of music, ready to be decoded."""
    import av

    covers = av.stream.Disposition.attached_pic
    streams = [each for each in container.streams.video if not each.disposition & covers]
    if not streams:
        found = "only sound" if container.streams.audio else "none"
        raise UserError(f"{path}: expected pictures in the video, found {found}")
    context = streams[0].codec_context
    codec = context.codec.canonical_name if context else "unknown"
    if codec not in _CODECS:
        raise UserError(f"{path}: videos coded as {codec} are not read: convert it, say to H.264 in MP4")
    check_pixels(path, context.width, context.height)
    context.options = {"max_pixels": str(3 * MAX_PIXELS)}  # decoders count the edges and spare rows, too
    context.thread_count = 1  # threads wait for each other longer than they work, and keep more frames
    return streams[0]
