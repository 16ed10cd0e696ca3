"""Writes the target of each text on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.config import require
from pipelines.data.tables import read_text
from pipelines.errors import UserError
from pipelines.files import require_place, write_atomically
from pipelines.ondevice.allowed_words import AllowedWords
from pipelines.ondevice.beam_search import Hypothesis, Limits
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.ondevice.subwords import LINE, SPACE
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation import SearchOptions

from .features import encode, plain, read_pieces, reads_end, subwords_of

_MOST_ALTERNATIVES = 50


@dataclass(frozen=True)
class Options(SearchOptions):
    """Options of the search for a target."""

    coverage_penalty: float = 0.0
    """Above 0, answers lose that leave parts of the source without attention."""
    alternatives: int = 1
    """The number of answers to each text, best first."""
    allowed: Path | None = None
    """Answer in the words and signs of this text file only."""
    align: Path | None = None
    """Write a picture of the attention of the last answer to this PNG file: which pieces of the source the
    network looked at for each piece that it wrote."""

    def __post_init__(self) -> None:
        super().__post_init__()
        most = _MOST_ALTERNATIVES
        require(1 <= self.alternatives <= most, "alternatives", f"1 to {most}", self.alternatives)
        drawn = self.allowed is not None and self.temperature is not None
        require(not drawn, "allowed", "no --temperature, since only the search keeps to words", self.allowed)
        require(self.coverage_penalty >= 0, "coverage_penalty", "0 or more", self.coverage_penalty)


class Answer(NamedTuple):
    """A text that the network wrote."""

    text: str
    hypothesis: Hypothesis
    source: list[str]
    """The pieces of the source that were read."""
    pieces: list[str]
    """The pieces of the text."""

    @property
    def attention(self) -> np.ndarray:
        """The weight of each piece of the source for each piece of the text, (pieces, source)."""
        rows = [outputs["attention"][: len(self.source)] for outputs in self.hypothesis.outputs]
        return np.array(rows).reshape(len(self.pieces), len(self.source))


class Translator:
    """Writes targets with the parts `encode` and `decode` of a bundle.

    Args:
        bundle: a bundle of this app.
        precision: the precision of the files to use, such as "int8".
        options: how to search.
    """

    def __init__(self, bundle: Bundle, precision: str, options: Options) -> None:
        self.subwords = subwords_of(bundle)
        self._bundle, self._options = bundle, options
        self._limits = Limits(self.subwords.start, END, bundle.preprocessing["max_target"])
        self._encode = Model(bundle.part_path("encode", precision))
        self._decode = StreamNetwork(Stream(bundle.part_path("decode", precision)))
        self._allowed = None if options.allowed is None else self._words_in(options.allowed)

    def _words_in(self, file: Path) -> AllowedWords:
        try:
            return AllowedWords(plain(self._bundle, read_text(file)), self.subwords)
        except ValueError as error:
            raise UserError(f"--allowed {file}: {error}") from None

    def read(self, text: str) -> list[str]:
        """Return the pieces of a text, all of them."""
        return self.subwords.pieces(plain(self._bundle, text))

    def __call__(self, text: str) -> list[Answer]:
        """Return the best answers to a text; to a text without words, an empty one."""
        source = encode(self._bundle, [text])
        read = read_pieces(self._bundle, self.read(text))
        if not read:
            return [Answer("", Hypothesis(finished=True), [], [])]
        self._decode.context = {"features": self._encode(source=source)["features"], "source": source}
        found = self._options.generate(
            self._decode,
            self._limits,
            2 * self._options.alternatives - 1,  # some texts can be written with other pieces, too
            coverage_penalty=self._options.coverage_penalty,
            places=len(read),
            allowed=self._allowed,
        )
        answers: dict[str, Answer] = {}
        for each in found:
            answer = self._answer(each, read, source[0, : len(read)])
            answers.setdefault(answer.text, answer)
        return list(answers.values())[: self._options.alternatives]

    def _answer(self, hypothesis: Hypothesis, read: list[str], ids: np.ndarray) -> Answer:
        """Join the pieces; for an unknown one, take the piece of the source that was looked at most.

        If the source has unknown pieces, it is one of them. Two unknown ones in a row are two words, since in
        a word they are one piece.
        """
        pieces, before = list[str](), None
        of_source = np.flatnonzero(ids == self.subwords.unknown)
        places = of_source if len(of_source) else np.arange(len(read))
        for token, outputs in zip(hypothesis.tokens, hypothesis.outputs, strict=True):
            piece = self.subwords.known[token - 1]
            if token == self.subwords.unknown:
                looked_at = read[places[np.argmax(outputs["attention"][places])]]
                piece = SPACE + looked_at.removeprefix(SPACE) if before == token else looked_at
            pieces.append(piece)
            before = token
        lines = "".join(pieces).replace(SPACE, " ").split(LINE)
        return Answer(LINE.join(line.strip() for line in lines).strip(), hypothesis, read, pieces)


def predict(
    bundle: Bundle, texts: Iterable[str], variant: str | None = None, options: Options | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the answers to each text.

    Args:
        bundle: a bundle of this app.
        texts: the sources.
        variant: a file of the bundle, or a precision; None for float32.
        options: how to search, and whether to draw a picture.
    """
    options = options or Options()
    draw = _drawing(options.align) if options.align else None
    translator = Translator(bundle, bundle.variant(variant)["precision"], options)
    for text in texts:
        answers = translator(text)
        best = answers[0]
        unread = len(translator.read(text)) - len(best.source)
        yield {
            "source": text,
            "text": best.text,
            "finished": best.hypothesis.finished,
            "pieces_not_read": unread,
            "not_read": "first" if reads_end(bundle) else "last",
            "alternatives": [
                {"text": each.text, "log_probability": round(each.hypothesis.log_probability, 4)}
                for each in answers
            ],
        }
        if draw:
            draw(best)


def _drawing(file: Path) -> Callable[[Answer], None]:
    """Return a function that draws the attention of an answer. What it lacks is told before any search."""
    require_place("--align", file)
    from pipelines.tasks.alignment_picture import png  # needs Pillow, which a device may lack

    return lambda answer: write_atomically(file, png(answer.source, answer.pieces, answer.attention))


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the text, and what was not read or written. Alternatives are on lines of their own."""
    said = " / ".join(answer["text"].split("\n")) or "(nothing)"
    if not answer["finished"]:
        said += "  (stopped: it has the largest length)"
    if answer["pieces_not_read"]:
        said += f"  (the {answer['not_read']} {answer['pieces_not_read']} pieces of the source were not read)"
    if len(answer["alternatives"]) == 1:
        return said
    found = [f"{each['log_probability']:8.2f}  {each['text']}" for each in answer["alternatives"]]
    return "\n".join([said, *found])
