"""Read image files into square arrays of pixels, in training and on devices. Needs numpy and Pillow only."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 80_000_000
"""Larger images are refused before they are decoded: a small file can hold gigabytes of pixels."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Pillow's names of the formats that are read. Others, such as EPS, would start other programs."""
_PADDING = (128, 128, 128)


def read_image(source: Path | bytes, size: int, name: str = "") -> np.ndarray:
    """Read an image as uint8 (size, size, 3), rotated as its EXIF data says. Animations use the first frame.

    An image that is not square is padded with grey, not cropped, so that nothing at its edges is lost.
    Transparent parts become white. Greyscale images get three equal channels.

    Args:
        source: a file, or its content.
        size: pixels each way.
        name: the name of the image in error messages. Default: the path.

    Raises:
        UserError: one line, when the file is missing, not an image, broken or too large.
    """
    return _square(read_picture(source, 2 * size, name), size)


def read_picture(source: Path | bytes, least: int, name: str = "") -> Image.Image:
    """Read an image in RGB, rotated as its EXIF data says. Transparent parts become white.

    Args:
        source: a file, or its content.
        least: pixels each way that are needed; large JPEGs are decoded at a lower resolution.
        name: the name of the image in error messages. Default: the path.

    Raises:
        UserError: as for `read_image`.
    """
    from PIL import Image, UnidentifiedImageError

    name = name or str(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns near its own size limit and about odd EXIF data
            if isinstance(source, Path) and source.exists() and not source.is_file():
                raise UserError(f"{name}: expected an image, found a folder, a device or a pipe")
            file = source if isinstance(source, Path) else io.BytesIO(source)
            with Image.open(file, formats=FORMATS) as image:
                return _upright(image, least, name)
    except UserError:
        raise
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise UserError(f"{name}: not an image in a format that is read: {known}") from None
    except Image.DecompressionBombError:
        raise UserError(f"{name}: expected at most {MAX_PIXELS:,} pixels, found far more") from None
    except Exception as error:  # decoders raise many types for broken files
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{name}: can't be read as an image: {reason}") from None


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return an image in memory, uint8 (height, width, 3), as `read_image` would read it from a file."""
    from PIL import Image

    return _square(_upright(Image.fromarray(pixels), 2 * size, "image"), size)


def _upright(image: Image.Image, least: int, name: str) -> Image.Image:
    from PIL import ImageOps

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(f"{name}: expected at most {MAX_PIXELS:,} pixels, found {width:,} x {height:,}")
    image.draft(None, (least, least))  # decodes large JPEGs at a lower resolution
    return _opaque(ImageOps.exif_transpose(image))


def _square(upright: Image.Image, size: int) -> np.ndarray:
    from PIL import Image

    scale = size / max(upright.size)
    shape = max(1, round(upright.width * scale)), max(1, round(upright.height * scale))
    square = Image.new("RGB", (size, size), _PADDING)
    fitted = upright.resize(shape, Image.Resampling.BICUBIC, reducing_gap=3.0)
    square.paste(fitted, ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return np.array(square)


def _opaque(image: Image.Image) -> Image.Image:
    """Return the image in RGB."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits a pixel; convert would clip them to 255
        image = Image.fromarray((np.asarray(image).clip(0, 65_535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
