"""Check zip archives of other programs before anything in them is used."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

MOST_BYTES = 2**31
"""The most bytes that a file, the contents of an archive, or the weights of a model may have."""


def check_archive(source: Path | IO[bytes], most: int = MOST_BYTES) -> None:
    """Check that an archive is whole, and unpacks to no more than `most` bytes.

    The declared sizes are added up first. Then each file is unpacked in pieces and dropped: zipfile never
    unpacks more than the declared size, and compares the checksum.

    Raises:
        ValueError: it unpacks to more, or a file in it is damaged.
        Exception: zipfile can't read it. It raises many types.
    """
    with zipfile.ZipFile(source) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > most:
            raise ValueError(f"expected at most {most:,} bytes when unpacked, found {size:,}")
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} in it is damaged")
