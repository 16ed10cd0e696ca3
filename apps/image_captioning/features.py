"""Turns images into pixel arrays and captions into word ids; learns the vocabulary on `train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.image import read_image, resized
from pipelines.ondevice.vocabulary import Vocabulary, words

from .augment import Augment, all_captions
from .config import CaptioningConfig

VOCABULARY = "vocabulary.json"
_MOST_WORDS = 40


@dataclass(frozen=True)
class References:
    """The captions of an image in the data, and the vocabulary that decodes the network's answer."""

    captions: tuple[str, ...]
    vocabulary: Vocabulary


def make_features(config: CaptioningConfig, data: Data) -> Features:
    """Learn the vocabulary on `train` and encode its captions; the other splits keep theirs as text.

    Raises:
        UserError: no word occurs `--min-count` times.
    """
    captions = [list(each) for each in data.splits["train"].targets]
    try:
        vocabulary = Vocabulary.fit(chain.from_iterable(captions), config.min_count)
    except ValueError:
        raise UserError(
            f"{data.source}: expected a word that occurs {config.min_count} times or more (--min-count), "
            "found none"
        ) from None
    lengths = np.array([len(words(caption)) for caption in chain.from_iterable(captions)])
    max_words = config.max_words or min(int(np.percentile(lengths, 99)), _MOST_WORDS)
    encoded = _encoded(captions, vocabulary, max_words + 1)
    images = {name: np.stack(split.inputs) for name, split in data.splits.items()}
    validation = _encoded(
        [list(each) for each in data.splits["validation"].targets], vocabulary, max_words + 1
    )
    return Features(
        inputs=images,
        targets={
            name: encoded if name == "train" else references(split, vocabulary)
            for name, split in data.splits.items()
        },
        labels=(),
        preprocessing={
            "kind": "image",
            "image_size": config.image_size,
            "vocabulary": VOCABULARY,
            "max_words": max_words,
        },
        assets={VOCABULARY: vocabulary.to_json()},
        counts={
            "vocabulary": len(vocabulary.known),
            "max_words": max_words,
            "captions_cut.train": int((lengths > max_words).sum()),
            "unknown_words.train": _unknown_share(encoded, vocabulary),
        },
        targets_per_step=True,
        validation=all_captions(images["validation"], validation, vocabulary.start),
        augment=Augment(config, vocabulary),
    )


def _encoded(captions: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int) -> np.ndarray:
    """Return ids (images, captions, length); an image with fewer captions repeats them."""
    most = max(len(each) for each in captions)
    rows = [[each[i % len(each)] for i in range(most)] for each in captions]
    return np.array([[vocabulary.encode(caption, length) for caption in row] for row in rows], np.int32)


def _unknown_share(ids: np.ndarray, vocabulary: Vocabulary) -> float:
    return round(float((ids == vocabulary.unknown).sum() / np.maximum(1, (ids > 0).sum())), 5)


def references(examples: Examples, vocabulary: Vocabulary) -> np.ndarray:
    """Return an object array (N,) of `References`."""
    targets = np.empty(len(examples), object)
    for index, captions in enumerate(examples.targets):
        targets[index] = References(tuple(captions), vocabulary)
    return targets


def encode(bundle: Bundle, images: Sequence[Any]) -> np.ndarray:
    """Return images (files, or uint8 arrays) in the network's size, as uint8 (N, size, size, 3)."""
    size = bundle.preprocessing["image_size"]
    return np.stack([pixels_of(image, size) for image in images])


def pixels_of(image: Any, size: int) -> np.ndarray:
    """Return one image as uint8 (size, size, 3).

    Args:
        image: a file, or uint8 (height, width, 3).
        size: pixels each way.
    """
    if isinstance(image, str | Path):
        return read_image(Path(image), size)
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise ValueError(f"expected a file, or uint8 (height, width, 3), got {array.dtype} {array.shape}")
    return array if array.shape[:2] == (size, size) else resized(array, size)


def encode_targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the references of new data, with the bundle's vocabulary."""
    return references(examples, load_vocabulary(bundle))


def load_vocabulary(bundle: Bundle) -> Vocabulary:
    """Return the vocabulary that ships in the bundle."""
    return Vocabulary.from_json(bundle.asset(VOCABULARY))
