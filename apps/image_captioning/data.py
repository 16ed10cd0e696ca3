"""Three roads to images with captions: the embedded set, a TFDS name, the user's own files.

Every input is uint8 (image_size, image_size, 3); every target is a tuple of captions, as people wrote them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples
from pipelines.data.image_files import Columns, find_captions, find_images, read_captions
from pipelines.data.source import is_path
from pipelines.data.splits import HELD_OUT, select
from pipelines.data.tfds_sets import DATA_DIR, builder_of, choose_feature, prepare
from pipelines.errors import UserError
from pipelines.ondevice.image import read_image
from pipelines.ondevice.vocabulary import words

from .config import CaptioningConfig

_EMBEDDED = {"embedded": "full", "embedded/small": "small"}
_TFDS_SPLITS = {
    "train": "train",
    "restval": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
    "novel": "novel",
}
"""TFDS's name -> ours. `restval` is what Karpathy and Li's test splits leave over of COCO's validation
images; it is usual to train on it."""


def load(config: CaptioningConfig) -> Data:
    """Return the images that `config.dataset` names, by split; nothing falls back to another road.

    Images that are missing or broken are left out, counted and named in the notes.

    Raises:
        UserError: one line, when the data set is unknown, can't be had, or has no captioned images.
    """
    if config.dataset in _EMBEDDED:
        return _from_builder(_embedded(_EMBEDDED[config.dataset], config), config)
    if is_path(config.dataset):
        return _from_files(Path(config.dataset).expanduser(), config)
    return _from_builder(builder_of(config.dataset, config.data_dir), config)


def _embedded(size: str, config: CaptioningConfig) -> Any:
    from .embedded.rendered_scenes import RenderedScenes

    folder = config.data_dir or DATA_DIR
    return prepare(lambda: RenderedScenes(config=size, data_dir=str(folder.expanduser())), folder)


class _Reader:
    """Collects images by split, and what could not be read."""

    def __init__(self, source: str, size: int) -> None:
        self.source, self.size = source, size
        self.failures: list[str] = []
        self._inputs: dict[str, list[np.ndarray]] = {}
        self._captions: dict[str, list[tuple[str, ...]]] = {}

    def add(self, split: str, image: Path | bytes, name: str, captions: Sequence[str]) -> None:
        try:
            pixels = read_image(image, self.size, name)
        except UserError as error:
            self.failures.append(str(error))
            return
        self._inputs.setdefault(split, []).append(pixels)
        self._captions.setdefault(split, []).append(tuple(captions))

    def splits(self) -> dict[str, Examples]:
        return {name: examples(self._inputs[name], self._captions[name]) for name in self._inputs}

    def notes(self) -> list[str]:
        if not self.failures:
            return []
        named = "; ".join(self.failures[:10])
        more = f"; and {len(self.failures) - 10:,} more" if len(self.failures) > 10 else ""
        return [f"{self.source}: {len(self.failures):,} images left out: {named}{more}"]


def examples(inputs: list[np.ndarray], captions: Sequence[tuple[str, ...]]) -> Examples:
    """Return a split whose targets are an object array (N,) of tuples of captions."""
    targets = np.empty(len(captions), object)
    for index, each in enumerate(captions):
        targets[index] = each
    return Examples(inputs, targets)


def _from_files(path: Path, config: CaptioningConfig) -> Data:
    file = find_captions(path)
    columns = Columns(config.image_column, config.caption_column, config.split_column)
    images, notes = read_captions(file, columns)
    folder = find_images(file, images, config.image_dir)
    reader = _Reader(file.name, config.image_size)
    for each in images:
        reader.add(each.split, folder / each.image, each.image, each.captions)
    return complete(reader.splits(), file.name, notes + reader.notes(), config.seed)


def _from_builder(builder: Any, config: CaptioningConfig) -> Data:
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    image = choose_feature(
        source, builder.info.features, tfds.features.Image, what="image", wanted=config.image_feature
    )
    _check_captions(source, builder.info.features, config.caption_feature)
    reader = _Reader(source, config.image_size)
    unused = [name for name in builder.info.splits if name not in _TFDS_SPLITS]
    notes = [f"{source}: not used: {', '.join(unused)}"] if unused else []
    if "restval" in builder.info.splits:
        notes.append(f"{source}: restval is read as training images, too")
    without = 0
    for name, split in _TFDS_SPLITS.items():
        if name in builder.info.splits:
            for number, (data, captions) in enumerate(_read(builder, name, image, config)):
                kept = [caption for caption in captions if words(caption)]
                without += not kept
                if kept:
                    reader.add(split, data, f"{name}[{number}]", kept)
    notes += [f"{source}: {without:,} images without a caption left out"] if without else []
    return complete(reader.splits(), source, notes + reader.notes(), config.seed)


def _check_captions(source: str, features: Any, name: str) -> None:
    dtype = features[name].np_dtype if name in features else None
    if isinstance(dtype, dict):
        dtype = dtype.get("text")
    if dtype != np.object_:
        listed = ", ".join(features)
        raise UserError(f"{source}: expected --caption-feature to name texts, got {name}: it has {listed}")


def _read(
    builder: Any, split: str, image: str, config: CaptioningConfig
) -> Iterator[tuple[bytes, list[str]]]:
    """Yield each image, still packed, and its captions."""
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split,
        shuffle_files=False,
        read_config=tfds.ReadConfig(try_autocache=False),
        decoders=tfds.decode.PartialDecoding(
            {image: True, config.caption_feature: True}, decoders={image: tfds.decode.SkipDecoding()}
        ),
    )
    for example in dataset.take(config.max_images or -1).as_numpy_iterator():
        said = example[config.caption_feature]
        texts = np.atleast_1d(said["text"] if isinstance(said, dict) else said)
        yield example[image], [text.decode("utf-8", errors="replace") for text in texts]


def complete(splits: Mapping[str, Examples], source: str, notes: Sequence[str], seed: int) -> Data:
    """Return the data with all three splits, no held-out image being in `train`; notes say what was done.

    Without a test split, the validation split is the test split; what is lacking then is a tenth of the
    distinct training images, by lot.
    """
    splits, notes = dict(splits), list(notes)
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append(f"{source}: no test split, so its validation split is the test split")
    held_out = {key for name, split in splits.items() if name != "train" for key in _keys(split)}
    everything = splits.get("train", examples([], []))
    train = select(everything, [key not in held_out for key in _keys(everything)])
    if len(train) < len(everything):
        leaked = len(everything) - len(train)
        notes.append(f"{source}: {leaked:,} training images left out, being in a held-out split")
    if not len(train):
        why = f" ({notes[-1]})" if notes else ""
        raise UserError(f"{source}: expected training images with captions, found none{why}")
    for name in ("test", "validation"):
        if name not in splits:
            train, splits[name] = _hold_out(train, source, name, seed)
            notes.append(
                f"{source}: no {name} split, so {len(splits[name]):,} images ({HELD_OUT:.0%}, seed {seed}) "
                "are held out of train"
            )
    ordered = {"train": train, "validation": splits["validation"], "test": splits["test"]}
    return Data(ordered | {k: v for k, v in splits.items() if k not in ordered}, (), source, tuple(notes))


def _hold_out(split: Examples, source: str, name: str, seed: int) -> tuple[Examples, Examples]:
    keys = _keys(split)
    distinct = list(dict.fromkeys(keys))
    if len(distinct) < 3:
        raise UserError(f"{source}: too few images to hold out a {name} split: got {len(distinct)}")
    order = np.random.default_rng(seed).permutation(len(distinct))
    held = {distinct[index] for index in order[: max(1, round(HELD_OUT * len(distinct)))]}
    return select(split, [key not in held for key in keys]), select(split, [key in held for key in keys])


def _keys(split: Examples) -> list[bytes]:
    return [hashlib.sha256(image.tobytes()).digest() for image in split.inputs]
