"""Pictures as they are; captions to word ids: the vocabulary is learned on the training split."""

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

from .augment import Augment
from .captions import Vocabulary, words
from .config import CaptioningConfig
from .images import read_image

VOCABULARY = "vocabulary.json"
_MOST_WORDS = 40


@dataclass(frozen=True)
class References:
    """What people said of a picture, and the words by which a network's answer is read."""

    captions: tuple[str, ...]
    vocabulary: Vocabulary


def make_features(config: CaptioningConfig, data: Data) -> Features:
    """Learn the vocabulary on `train`, and encode its captions; what is scored keeps its own as texts.

    Raises:
        UserError: no word is said often enough.
    """
    said = [list(captions) for captions in data.splits["train"].targets]
    try:
        vocabulary = Vocabulary.fit(chain.from_iterable(said), config.min_count)
    except ValueError:
        raise UserError(
            f"{data.source}: expected a word that is said {config.min_count} times or more (--min-count), "
            "found none"
        ) from None
    lengths = np.array([len(words(caption)) for caption in chain.from_iterable(said)])
    max_words = config.max_words or min(int(np.percentile(lengths, 99)), _MOST_WORDS)
    encoded = _encoded(said, vocabulary, max_words + 1)
    unknown = float((encoded == vocabulary.unknown).sum() / np.maximum(1, (encoded > 0).sum()))
    return Features(
        inputs={name: np.stack(split.inputs) for name, split in data.splits.items()},
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
            "unknown_words.train": round(unknown, 5),
        },
        targets_per_step=True,
        augment=Augment(config, vocabulary),
    )


def _encoded(said: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int) -> np.ndarray:
    """Return ids (images, captions, length); of an image with fewer captions they come again."""
    most = max(len(captions) for captions in said)
    rows = [[captions[i % len(captions)] for i in range(most)] for captions in said]
    return np.array([[vocabulary.encode(caption, length) for caption in row] for row in rows], np.int32)


def references(examples: Examples, vocabulary: Vocabulary) -> np.ndarray:
    """Return an object array (N,) of `References`."""
    targets = np.empty(len(examples), object)
    for index, captions in enumerate(examples.targets):
        targets[index] = References(tuple(captions), vocabulary)
    return targets


def encode(bundle: Bundle, images: Sequence[Any]) -> np.ndarray:
    """Return pictures (files, or arrays of the size the network takes) as uint8 (N, size, size, 3)."""
    size = bundle.preprocessing["image_size"]
    return np.stack([picture_of(image, size) for image in images])


def picture_of(image: Any, size: int) -> np.ndarray:
    """Return one picture as the network takes it: uint8 (size, size, 3)."""
    if isinstance(image, str | Path):
        return read_image(Path(image), size)
    array = np.asarray(image)
    if array.shape != (size, size, 3) or array.dtype != np.uint8:
        raise ValueError(f"expected a file, or uint8 ({size}, {size}, 3), got {array.dtype} {array.shape}")
    return array


def encode_targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the references of new data, with the bundle's words."""
    return references(examples, load_vocabulary(bundle))


def load_vocabulary(bundle: Bundle) -> Vocabulary:
    """Return the vocabulary that ships in the bundle."""
    return Vocabulary.from_json(bundle.asset(VOCABULARY))
