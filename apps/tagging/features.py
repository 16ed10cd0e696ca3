"""Words as numbers: `make_features` learns words, characters and labels, `encode` uses them on the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.word_vectors import read_vectors
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.tagged_words import FILE, WordReader, parts, plain
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
    size = Window(config.max_length, config.lookahead)
    for name, split in data.splits.items():
        inputs[name] = size.encode(reader, split.inputs)
        targets[name] = size.targets(split.targets, labels)
        lengths[name] = (inputs[name][:, :, 0] > 0).sum(axis=1)
        known = [number > 1 for words in split.inputs for number in reader.ids(words)]
        counts[f"unknown_words.{name}"] = round(1 - float(np.mean(known)), 5)
        counts[f"unknown_types.{name}"] = sum(
            tag[0] == "B" and tag not in labels for tags in split.targets for tag in tags
        )
    words, characters, known_parts = reader.sizes
    return Features(
        inputs=inputs,
        targets=targets,
        labels=labels,
        preprocessing={"kind": "words", **size._asdict()},
        assets={FILE: reader.to_json()},
        counts={"words": words, "characters": characters, "parts": known_parts, **counts},
        lengths=lengths,
        targets_per_step=True,
    )


def _reader(config: TaggingConfig, sentences: Sequence[Sequence[str]]) -> WordReader:
    """Learn the words and parts that occur often enough, words with a vector, characters that occur twice."""
    words = Counter(plain(word) for sentence in sentences for word in sentence)
    characters = Counter(each for sentence in sentences for word in sentence for each in word)
    known = {word for word, count in words.items() if count >= config.min_count}
    if config.vectors is not None:
        given = read_vectors(Path(config.vectors), config.embedding)
        known |= {word for word in words if word in given} | set(list(given)[: config.vector_words])
    known -= set(RESERVED)
    found = Counter(each for sentence in sentences for word in sentence for each in parts(word))
    return WordReader(
        [*RESERVED, *sorted(known)],
        "".join(sorted(each for each, count in characters.items() if count > 1)),
        config.characters_read,
        sorted(each for each, count in found.items() if count >= config.min_count) if config.parts else (),
    )


class Window(NamedTuple):
    """The words that the network reads at once."""

    max_length: int
    lookahead: int = 0
    """A word's tag is the answer so many words behind it."""

    @classmethod
    def of(cls, bundle: Bundle) -> Window:
        """Return the window of a bundle's network."""
        return cls(
            **{name: bundle.preprocessing[name] for name in cls._fields if name in bundle.preprocessing}
        )

    def pieces(self, sentences: Iterable[Any]) -> list[Any]:
        """Return sentences cut into pieces that fit, in their order."""
        size = self.max_length - self.lookahead
        return [each[i : i + size] for each in sentences for i in range(0, max(1, len(each)), size)]

    def encode(self, reader: WordReader, sentences: Iterable[Sequence[str]]) -> np.ndarray:
        """Return sentences as inputs: (pieces, max_length, columns) int32.

        Empty words stand behind the end, so that the network knows it while it answers for the last words.
        """
        behind = [""] * self.lookahead
        return np.stack(
            [reader.encode([*piece, *behind], self.max_length) for piece in self.pieces(sentences)]
        )

    def targets(self, tags: Iterable[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
        """Return the numbers of tags at the places of the answers: (pieces, max_length) int32."""
        pieces = [numbered(piece, labels) for piece in self.pieces(tags)]
        targets = np.full([len(pieces), self.max_length], PADDING, np.int32)
        for row, numbers in zip(targets, pieces, strict=True):
            row[self.lookahead : self.lookahead + len(numbers)] = numbers
        return targets

    def answers(self, words: int) -> np.ndarray:
        """Return (max_length,) bool: where the answers for so many words are."""
        places = np.arange(self.max_length) - self.lookahead
        return (places >= 0) & (places < words)


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return sentences or texts as inputs of the bundle's network, (N, max_length, columns) int32."""
    sentences = [[word.text for word in read(each)[1]] for each in inputs]
    return Window.of(bundle).encode(WordReader.from_json(bundle.asset(FILE)), sentences)


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new sentences for the bundle's network, (N, max_length) int32."""
    return Window.of(bundle).targets(examples.targets, bundle.labels)
