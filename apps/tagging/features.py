"""Words as numbers: `make_features` learns words, characters and labels, `encode` uses them on the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.tagged_words import FILE, WordReader, plain
from pipelines.ondevice.tokenizer import RESERVED
from pipelines.ondevice.word_offsets import read
from pipelines.tasks.tagging import PADDING, numbered, tags_of

from .config import TaggingConfig


def make_features(config: TaggingConfig, data: Data) -> Features:
    """Number words, characters and tags by what the training split has."""
    train = data.splits["train"]
    labels = tags_of(sorted({tag[2:] for tags in train.targets for tag in tags if tag != "O"}))
    if len(labels) == 1:
        raise UserError(f"{data.source}: expected words with a tag other than O in the training sentences")
    reader = _reader(config, train.inputs)
    inputs, targets, lengths, counts = {}, {}, {}, {}
    for name, split in data.splits.items():
        rows = in_pieces(split.inputs, config.max_length)
        inputs[name] = np.stack([reader.encode(words, config.max_length) for words in rows])
        tags = [numbered(tags, labels) for tags in in_pieces(split.targets, config.max_length)]
        targets[name] = _padded(tags, config.max_length)
        lengths[name] = np.array([len(row) for row in rows])
        ids = inputs[name][:, :, 0]
        counts[f"unknown_words.{name}"] = round(float((ids[ids > 0] == 1).mean()), 5)
        counts[f"unknown_types.{name}"] = sum(
            tag[0] == "B" and tag not in labels for tags in split.targets for tag in tags
        )
    words, characters = reader.sizes
    return Features(
        inputs=inputs,
        targets=targets,
        labels=labels,
        preprocessing={"kind": "words", "max_length": config.max_length},
        assets={FILE: reader.to_json()},
        counts={"words": words, "characters": characters, **counts},
        lengths=lengths,
        targets_per_step=True,
    )


def _reader(config: TaggingConfig, sentences: Sequence[Sequence[str]]) -> WordReader:
    """Learn the words that occur often enough, and the characters that occur twice."""
    words = Counter(plain(word) for sentence in sentences for word in sentence)
    characters = Counter(each for sentence in sentences for word in sentence for each in word)
    known = sorted(
        word for word, count in words.items() if count >= config.min_count and word not in RESERVED
    )
    return WordReader(
        [*RESERVED, *known],
        "".join(sorted(each for each, count in characters.items() if count > 1)),
        config.characters_read,
    )


def in_pieces(sentences: Iterable[Any], steps: int) -> list[Any]:
    """Return sentences cut into pieces of at most `steps` words, in their order."""
    return [sentence[i : i + steps] for sentence in sentences for i in range(0, max(1, len(sentence)), steps)]


def _padded(tags: Sequence[Sequence[int]], steps: int) -> np.ndarray:
    padded = np.full([len(tags), steps], PADDING, np.int32)
    for row, numbers in zip(padded, tags, strict=True):
        row[: len(numbers)] = numbers
    return padded


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return sentences or texts as inputs of the bundle's network, (N, max_length, 1 + characters) int32."""
    reader, steps = WordReader.from_json(bundle.asset(FILE)), bundle.preprocessing["max_length"]
    sentences = [[word.text for word in read(each)[1]] for each in inputs]
    return np.stack([reader.encode(words, steps) for words in in_pieces(sentences, steps)])


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new sentences for the bundle's network, (N, max_length) int32."""
    steps = bundle.preprocessing["max_length"]
    return _padded([numbered(tags, bundle.labels) for tags in in_pieces(examples.targets, steps)], steps)
