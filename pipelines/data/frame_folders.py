"""Read the frames of a video from a folder of images, in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..ondevice.image import read_picture

if TYPE_CHECKING:
    from PIL import Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Suffixes of the images in a folder."""
RATE = 25.0
"""Frames per second of a folder, which doesn't say."""
_NAMED = 3  # broken images that a note names


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people do: frame 9 before frame 10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]


class FrameFolder:
    """The images of a folder, without hidden files.

    Raises:
        UserError: there are none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            files = [each for each in path.iterdir() if each.suffix.lower() in IMAGES and each.name[0] != "."]
        except OSError as error:
            raise UserError(f"{path}: expected a folder of images: {error.strerror}") from None
        if not files:
            raise UserError(f"{path}: expected images in the folder ({', '.join(IMAGES)}), found none")
        self._files = sorted(files, key=lambda file: natural(file.name))
        self._broken: list[str] = []

    def images(self, least: int) -> Iterator[Image.Image]:
        """Yield the images that can be read, upright and in RGB; see `read_picture`.

        Raises:
            UserError: none can be read.
        """
        self._broken.clear()
        for file in self._files:
            try:
                image = read_picture(file, least, f"{self.path.name}/{file.name}")
            except UserError as error:
                self._broken.append(str(error))
                continue
            yield image
        if len(self._broken) == len(self._files):
            raise UserError(f"{self.path}: can't read any of {len(self._files):,} images: {self._broken[0]}")

    def note(self) -> str:
        """Return one line about images that could not be read so far; empty if all could."""
        if not self._broken:
            return ""
        named = "; ".join(self._broken[:_NAMED]) + ("; ..." if len(self._broken) > _NAMED else "")
        return f"{self.path.name}: {len(self._broken):,} images left out that can't be read: {named}"
