"""Draws the captions of each training batch, and augments its images."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.data.image_augmentation import ImageAugmentation
from pipelines.ondevice.vocabulary import END, Vocabulary
from pipelines.tasks.generation import shifted

from .config import CaptioningConfig

_ROUND = 6  # lengths are rounded up to a multiple of this, because XLA compiles for each length


class Augment:
    """Draws some captions of each image of a batch, and transforms the image at random.

    Args:
        config: the strength of each transformation, and the number of captions.
        vocabulary: has the start token.
    """

    def __init__(self, config: CaptioningConfig, vocabulary: Vocabulary) -> None:
        self._captions_per_image = config.captions_per_image
        self._start = vocabulary.start
        self._transform = ImageAugmentation(
            shift=config.shift,
            zoom=config.zoom,
            rotation=config.rotation,
            mirror=config.mirror,
            brightness=config.brightness,
        )

    def __call__(
        self, images: np.ndarray, captions: np.ndarray, rng: np.random.Generator
    ) -> tuple[Any, np.ndarray]:
        """Return the inputs and targets of a training batch.

        The captions drawn for a batch have the same rank by length in each image (the shortest, the second
        shortest, ...), so that short captions need little padding.

        Args:
            images: uint8 (batch, size, size, 3).
            captions: ids (batch, captions, length).
            rng: draws the captions and transformations.

        Returns:
            The inputs `image`, `tokens` and `words`, and the targets. Tokens are the ids before each target;
            both are (batch, steps, captions_per_image), as long as the longest caption drawn. `words` are
            the ids of all captions of an image, (batch, captions * length).
        """
        most = captions.shape[1]
        lengths = (captions != END).sum(axis=-1)
        by_length = np.lexsort((rng.random(lengths.shape), lengths))
        ranks = (rng.integers(most) + np.arange(self._captions_per_image)) % most
        targets = np.take_along_axis(captions, by_length[:, ranks, None], axis=1)
        longest = int((targets != END).sum(axis=-1).max()) + 1
        targets = targets[:, :, : -(-longest // _ROUND) * _ROUND].transpose(0, 2, 1)
        transformed = np.stack([self._transform(image, rng) for image in images])
        return _batch(transformed, targets, captions, self._start)


def all_captions(images: np.ndarray, captions: np.ndarray, start: int) -> tuple[Any, np.ndarray]:
    """Return inputs and targets like those of `Augment`, with every caption of each image as it is.

    Args:
        images: uint8 (batch, size, size, 3).
        captions: ids (batch, captions, length).
        start: the token that is read first.
    """
    return _batch(images, captions.transpose(0, 2, 1), captions, start)


def _batch(
    images: np.ndarray, targets: np.ndarray, captions: np.ndarray, start: int
) -> tuple[Any, np.ndarray]:
    """Return inputs and targets; the network reads each target one step later."""
    tokens = shifted(targets, start)
    return {"image": images, "tokens": tokens, "words": captions.reshape(len(captions), -1)}, targets
