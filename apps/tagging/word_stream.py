"""Tags words one by one, as they come: numpy and LiteRT only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.ondevice.tag_decoding import next_tag
from pipelines.ondevice.tagged_words import FILE, WordReader

from .features import Window


class TaggedWord(NamedTuple):
    """A word with the number of its tag and the probabilities (tags,) of all tags."""

    text: str
    tag: int
    probabilities: np.ndarray


class WordStream:
    """Tags each word as soon as the words of the look-ahead behind it are known.

        stream = WordStream(bundle)
        for word in words:
            if tagged := stream(word):
                print(tagged.text, bundle.labels[tagged.tag])
        print(stream.end())

    Args:
        bundle: of this app, with a network that runs word by word, such as that of the preset `streaming`.
        variant: a file of the bundle, or a precision; None for float32.

    Raises:
        UserError: the bundle has no such file.
    """

    def __init__(self, bundle: Bundle, variant: str | None = None) -> None:
        record = bundle.with_execution(variant, "step")
        self._stream = Stream(bundle.variant_path(record["file"]))
        self._reader = WordReader.from_json(bundle.asset(FILE))
        self._lookahead = Window.of(bundle).lookahead
        self._start()

    def _start(self) -> None:
        self._stream.reset()
        self._waiting: deque[str] = deque()
        self._last = 0

    def __call__(self, word: str) -> TaggedWord | None:
        """Read the next word; return the word that is now tagged, or None while there is none."""
        self._waiting.append(word)
        answer = self._answer(word)
        return self._tagged(answer) if len(self._waiting) > self._lookahead else None

    def end(self) -> list[TaggedWord]:
        """Return the words that wait for their tags, and start a new sentence."""
        answers = [self._answer("") for _ in range(self._lookahead)]
        found = [self._tagged(answer) for answer in answers[len(answers) - len(self._waiting) :]]
        self._start()
        return found

    def of_all(self, words: Iterable[str]) -> Iterator[TaggedWord]:
        """Yield the words of a sentence with their tags, each as soon as it is tagged."""
        for word in words:
            if tagged := self(word):
                yield tagged
        yield from self.end()

    def _answer(self, word: str) -> np.ndarray:
        (name,), (output,) = self._stream.inputs, self._stream.outputs
        return self._stream(**{name: self._reader.encode([word], 1)[None]})[output].reshape(-1)

    def _tagged(self, probabilities: np.ndarray) -> TaggedWord:
        self._last = next_tag(probabilities, self._last)
        return TaggedWord(self._waiting.popleft(), self._last, probabilities)
