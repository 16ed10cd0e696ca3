"""What training does to pictures and captions, anew in every epoch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from .captions import END, Vocabulary
from .config import CaptioningConfig

_GREY = (128, 128, 128)
_ROUND = 12  # lengths are cut to a multiple of this: XLA compiles for each


class Augment:
    """Draws some captions of each picture of a batch, and moves the picture a little."""

    def __init__(self, config: CaptioningConfig, vocabulary: Vocabulary) -> None:
        self._config = config
        self._start = vocabulary.start

    def __call__(
        self, images: np.ndarray, captions: np.ndarray, rng: np.random.Generator
    ) -> tuple[Any, np.ndarray]:
        """Take images (batch, size, size, 3) and ids (batch, captions, length).

        All pictures of a batch have their shortest captions drawn, or their longest, or those between, by
        lot: short sentences then don't wait for long ones.

        Returns:
            {"image", "tokens", "words"}, targets: tokens are what is read before each target, both (batch,
            steps, captions_per_image), cut to the longest caption drawn; words are those of all captions of
            a picture, (batch, captions * length).
        """
        count, most = captions.shape[:2]
        lengths = (captions != END).sum(axis=-1)
        by_length = np.lexsort((rng.random(lengths.shape), lengths))
        ranks = (rng.integers(most) + np.arange(self._config.captions_per_image)) % most
        targets = np.take_along_axis(captions, by_length[:, ranks, None], axis=1)
        longest = int((targets != END).sum(axis=-1).max()) + 1
        targets = targets[:, :, : -(-longest // _ROUND) * _ROUND].transpose(0, 2, 1)
        tokens = np.full_like(targets, self._start)
        tokens[:, 1:] = targets[:, :-1]
        moved = np.stack([self._moved(image, rng) for image in images])
        return {"image": moved, "tokens": tokens, "words": captions.reshape(count, -1)}, targets

    def _moved(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config, size = self._config, len(image)
        angle = math.radians(config.rotation * rng.uniform(-1, 1))
        scale = 1 + config.zoom * rng.uniform(-1, 1)
        flip = -1 if config.mirror and rng.random() < 0.5 else 1
        shift = size * config.shift * rng.uniform(-1, 1, 2)
        if config.rotation or config.zoom or config.shift or config.mirror:
            # From a place of the new picture to that of the old one, both seen from the middle.
            a, b = math.cos(angle) / scale, math.sin(angle) / scale
            matrix = np.array([[flip * a, flip * b], [-b, a]])
            middle = np.full(2, size / 2)
            offset = middle - matrix @ (middle + shift)
            data = (*matrix[0], offset[0], *matrix[1], offset[1])
            warped = Image.fromarray(image).transform(
                (size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=_GREY
            )
            image = np.asarray(warped)
        if config.brightness:
            gain = 1 + config.brightness * rng.uniform(-1, 1, 3)
            image = np.clip(image * gain, 0, 255).astype(np.uint8)
        return image
