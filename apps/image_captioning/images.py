"""Any picture file to the square of bytes that the network sees: in training and on the device."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pipelines.errors import UserError

MAX_PIXELS = 80_000_000
"""Larger pictures are refused before they are unpacked: a small file can hold a picture of gigabytes."""
_PADDING = (128, 128, 128)


def read_image(source: Path | bytes, size: int, name: str = "") -> np.ndarray:
    """Return the picture as uint8 (size, size, 3), upright as its EXIF says, the first frame of several.

    What is not square is padded with grey, not cropped: captions speak of what stands at the edges too.
    Transparent parts become white, greyscale all three channels.

    Args:
        source: a file, or its bytes.
        size: pixels each way.
        name: what messages call it. Default: the path.

    Raises:
        UserError: one line, when there is no such file, or it is no picture, broken or too large.
    """
    name = name or str(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit is near ours; of odd EXIF it may grumble
            with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
                return _prepare(image, size, name)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"{name}: not a picture in a format that Pillow knows") from None
    except Image.DecompressionBombError:
        raise UserError(f"{name}: far more than {MAX_PIXELS:,} pixels, refused") from None
    except Exception as error:  # the decoders raise many kinds for broken files
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{name}: can't be read as a picture: {reason}") from None


def _prepare(image: Image.Image, size: int, name: str) -> np.ndarray:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(f"{name}: {width:,} x {height:,} pixels, refused: at most {MAX_PIXELS:,}")
    image.draft(None, (2 * size, 2 * size))  # large JPEGs needn't be unpacked whole
    upright = _opaque(ImageOps.exif_transpose(image))
    scale = size / max(upright.size)
    shape = max(1, round(upright.width * scale)), max(1, round(upright.height * scale))
    square = Image.new("RGB", (size, size), _PADDING)
    fitted = upright.resize(shape, Image.Resampling.BICUBIC, reducing_gap=3.0)
    square.paste(fitted, ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return np.array(square)


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture in RGB."""
    if image.mode.startswith("I"):  # 16 bits a pixel; convert would clip them to 255
        image = Image.fromarray((np.asarray(image).clip(0, 65_535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
