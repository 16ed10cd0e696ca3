"""Load captioned images from a TFDS set or from files, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..ondevice.image import read_image
from ..ondevice.vocabulary import words
from .caption_files import Columns
from .examples import Data, Examples
from .image_files import find_captions, find_images, read_captions
from .splits import complete
from .tfds_sets import choose_feature, open_split

_SPLITS = {
    "train": "train",
    "restval": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
    "novel": "novel",
}
"""Maps the names of TFDS splits to ours. `restval` holds the COCO validation images that are not in the
test splits of Karpathy and Li; it is common to train on them."""
_NAMED = 10  # the number of unreadable images that a note names


def captioned_from_files(
    path: Path, size: int, columns: Columns, *, image_dir: str | None = None, seed: int | None = 0
) -> Data:
    """Return the user's images as uint8 (size, size, 3), with tuples of captions as targets.

    Args:
        path: a caption file, or a folder with one (see `caption_files`).
        size: width and height in pixels.
        columns: the fields of a JSONL, JSON or CSV file.
        image_dir: the folder of the images. Default: see `image_files.find_images`.
        seed: selects the images of a split that the file lacks; None if the splits stay as they are given.

    Raises:
        UserError: the caption file is malformed, or no training image can be read.
    """
    file = find_captions(path)
    images, notes = read_captions(file, columns)
    folders = find_images(file, images, image_dir)
    reader = _Reader(file.name, size)
    for each in images:
        places = [folder / each.image for folder in folders]
        place = next((place for place in places if place.is_file()), places[0])
        reader.add(each.split, place, each.image, each.captions)
    return reader.data(notes, seed)


class BuilderOptions(NamedTuple):
    """The features and the number of images to read from a TFDS set of captioned images."""

    image: str | None = None
    """The name of the image feature, if there are several."""
    captions: str = "captions"
    """The name of the feature with the captions."""
    max_images: int | None = None
    """Read only this many images from each split."""


def captioned_from_builder(builder: Any, size: int, options: BuilderOptions, *, seed: int | None = 0) -> Data:
    """Return the images of a prepared TFDS builder, with tuples of captions as targets.

    Args:
        builder: a builder with an image feature and a text feature.
        size: width and height in pixels; images are uint8 (size, size, 3).
        options: the features to read.
        seed: selects the images of a split that the set lacks; None if the splits stay as they are given.

    Raises:
        UserError: the set has different features, or no training image can be read.
    """
    import tensorflow_datasets as tfds

    source, features = builder.info.full_name, builder.info.features
    image = choose_feature(source, features, tfds.features.Image, what="image", wanted=options.image)
    _check_captions(source, features, options.captions)
    reader = _Reader(source, size)
    unused = [name for name in builder.info.splits if name not in _SPLITS]
    notes = [f"{source}: not used: {', '.join(unused)}"] if unused else []
    if "restval" in builder.info.splits:
        notes.append(f"{source}: restval is also used as training images")
    without = 0
    for name in (name for name in _SPLITS if name in builder.info.splits):
        for number, (content, captions) in enumerate(_rows(builder, name, image, options)):
            kept = [caption for caption in captions if words(caption)]
            without += not kept
            if kept:
                reader.add(_SPLITS[name], content, f"{name}[{number}]", kept)
    notes += [f"{source}: {without:,} images without a caption left out"] if without else []
    return reader.data(notes, seed)


def captioned_examples(inputs: list[np.ndarray], captions: Sequence[tuple[str, ...]]) -> Examples:
    """Return a split of images whose targets are an object array (N,) of tuples of captions."""
    targets = np.empty(len(captions), object)
    for index, each in enumerate(captions):
        targets[index] = each
    return Examples(inputs, targets)


class _Reader:
    """Collects images and captions by split, and the images that can't be read."""

    def __init__(self, source: str, size: int) -> None:
        self.source, self.size = source, size
        self._failures: list[str] = []
        self._inputs: dict[str, list[np.ndarray]] = {}
        self._captions: dict[str, list[tuple[str, ...]]] = {}

    def add(self, split: str, image: Path | bytes, name: str, captions: Sequence[str]) -> None:
        try:
            pixels = read_image(image, self.size, name)
        except UserError as error:
            self._failures.append(str(error))
            return
        self._inputs.setdefault(split, []).append(pixels)
        self._captions.setdefault(split, []).append(tuple(captions))

    def data(self, notes: list[str], seed: int | None) -> Data:
        notes = notes + self._notes()
        if not self._inputs or (seed is not None and "train" not in self._inputs):
            why = f" ({notes[-1]})" if notes else ""
            kind = "images" if seed is None else "training images"
            raise UserError(f"{self.source}: expected {kind} with captions, found none{why}")
        splits = {name: captioned_examples(self._inputs[name], self._captions[name]) for name in self._inputs}
        return complete(Data(splits, (), self.source, tuple(notes)), seed, "images")

    def _notes(self) -> list[str]:
        if not self._failures:
            return []
        named = "; ".join(self._failures[:_NAMED])
        more = len(self._failures) - _NAMED
        named += f"; and {more:,} more" if more > 0 else ""
        return [f"{self.source}: {len(self._failures):,} images left out: {named}"]


def _check_captions(source: str, features: Any, name: str) -> None:
    dtype = features[name].np_dtype if name in features else None
    if isinstance(dtype, dict):
        dtype = dtype.get("text")
    if dtype != np.object_:
        listed = ", ".join(features)
        raise UserError(
            f"{source}: expected --caption-feature to name texts, got {name}; the set has {listed}"
        )


def _rows(builder: Any, split: str, image: str, options: BuilderOptions) -> Iterator[tuple[bytes, list[str]]]:
    """Yield the encoded content of each image, and its captions."""
    import tensorflow_datasets as tfds

    decoders = tfds.decode.PartialDecoding(
        {image: True, options.captions: True}, decoders={image: tfds.decode.SkipDecoding()}
    )
    dataset = open_split(builder, split, decoders=decoders)
    for example in dataset.take(options.max_images or -1).as_numpy_iterator():
        found = example[options.captions]
        texts = np.atleast_1d(found["text"] if isinstance(found, dict) else found)
        yield example[image], [text.decode("utf-8", errors="replace") for text in texts]
