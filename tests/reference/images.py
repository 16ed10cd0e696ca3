"""Images that tests write and read."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RED, WHITE, GREY = (220, 10, 10), (255, 255, 255), (128, 128, 128)


def written(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def noise(number: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(pixels)
