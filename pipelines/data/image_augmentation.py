"""Transform training images at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_GREY = (128, 128, 128)


@dataclass(frozen=True)
class ImageAugmentation:
    """Transforms an image at random; every setting is a maximum.

    Args:
        shift: as a share of the image's size.
        zoom: the share by which the image grows or shrinks.
        rotation: in degrees.
        mirror: mirror half of the images.
        brightness: the share by which each colour channel changes.
    """

    shift: float = 0.0
    zoom: float = 0.0
    rotation: float = 0.0
    mirror: bool = False
    brightness: float = 0.0

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an image uint8 (size, size, 3), transformed. Areas outside the original image are grey."""
        from PIL import Image

        size = len(image)
        angle = math.radians(self.rotation * rng.uniform(-1, 1))
        scale = 1 + self.zoom * rng.uniform(-1, 1)
        flip = -1 if self.mirror and rng.random() < 0.5 else 1
        shift = size * self.shift * rng.uniform(-1, 1, 2)
        if self.rotation or self.zoom or self.shift or self.mirror:
            # Maps a position in the new image to one in the old image, both relative to the centre.
            a, b = math.cos(angle) / scale, math.sin(angle) / scale
            matrix = np.array([[flip * a, flip * b], [-b, a]])
            centre = np.full(2, size / 2)
            offset = centre - matrix @ (centre + shift)
            data = (*matrix[0], offset[0], *matrix[1], offset[1])
            warped = Image.fromarray(image).transform(
                (size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=_GREY
            )
            image = np.asarray(warped)
        if self.brightness:
            gain = 1 + self.brightness * rng.uniform(-1, 1, 3)
            image = np.clip(image * gain, 0, 255).astype(np.uint8)
        return image
