"""Writes, completes or scores text on the device, with numpy and LiteRT only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.data.tables import read_text
from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_place, write_atomically
from pipelines.ondevice.alphabet import Alphabet, named
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.generation import SamplingOptions
from pipelines.tasks.surprise_page import page, spans
from pipelines.tasks.text_checks import checks, in_words

from .generate import Writer

_MOST = 1_000_000
_SHOWN = 5


@dataclass(frozen=True)
class Options(SamplingOptions):
    """Without inputs, write text; with inputs, score each of these texts."""

    primer: str = ""
    """Continue this text."""
    length: int = 500
    """The number of symbols to write."""
    temperature: float = 0.8
    """1 draws from the network's own distribution, lower favours probable symbols, 0 takes the most
    probable."""
    stop: str = ""
    """End after this text is written."""
    corpus: Path | None = None
    """Check what is written against this text file, for example the training text: how many of its words
    occur there, how much is copied, how much is repeated."""
    complete: str | None = None
    """Give the likeliest words that this text may go on to, with their probabilities."""
    words: int = 3
    """The number of words that --complete gives."""
    score: Path | None = None
    """Score this text file, and write it as a page whose characters are coloured by surprise."""
    out: Path = PREDICTIONS / "surprise.html"
    """The page that --score writes. The folder must exist; the default one is made."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.length <= _MOST, "length", f"1 to {_MOST:,}", self.length)
        require(self.words >= 1, "words", "at least 1", self.words)
        if self.complete is not None and self.score is not None:
            raise UserError("expected only one of --complete and --score")


def predict(
    bundle: Bundle, inputs: Sequence[Any], variant: str | None = None, options: Options | None = None
) -> list[dict[str, Any]]:
    """Score each input, or do what the options say: complete a text, score a file, or write text."""
    options = options or Options()
    network = StreamNetwork.of(bundle, variant)
    writer = Writer(network, Alphabet.from_settings(bundle.preprocessing))
    if options.complete is not None:
        found = writer.complete(options.complete, options.words)
        words = [each._asdict() for each in found]
        return [{"completed": options.complete, "words": words, **_unknown(writer, options.complete)}]
    if options.score is not None:
        return [_scored_file(writer, options)]
    if inputs:
        return [
            {"scored": text, **_scores(writer, text, _surprises(writer, text))} for text in map(str, inputs)
        ]
    return [_written(writer, options)]


def _written(writer: Writer, options: Options) -> dict[str, Any]:
    started = time.perf_counter()
    text = writer.write(
        options.length, options.sampler, options.seed, primer=options.primer, stop=options.stop
    )
    taken = time.perf_counter() - started
    return {
        "primer": options.primer,
        "text": text,
        "symbols_per_second": round(len(text) / taken, 1),
        **_unknown(writer, options.primer),
        "checks": checks(text, None if options.corpus is None else read_text(options.corpus)),
    }


def _surprises(writer: Writer, text: str) -> np.ndarray:
    if len(text) > _MOST:
        raise UserError(f"a text to score: expected at most {_MOST:,} characters, got {len(text):,}")
    surprises = writer.surprises(text)
    if not len(surprises):
        raise UserError("a text to score: expected two or more known characters")
    return surprises


def _scores(writer: Writer, text: str, surprises: np.ndarray) -> dict[str, Any]:
    nats = float(surprises.mean())
    return {
        "nll": round(nats, 6),
        "bits": round(nats / float(np.log(2)), 6),
        "symbols": len(surprises),
        **_unknown(writer, text),
    }


def _unknown(writer: Writer, text: str) -> dict[str, Any]:
    """Return how many characters of a text are left out, and the commonest of them."""
    found = writer.alphabet.unknown(text)
    return {"unknown": found.total(), "lacking": named(found)} if found else {}


def _scored_file(writer: Writer, options: Options) -> dict[str, Any]:
    assert options.score is not None
    require_place("--out", options.out)
    text = read_text(options.score)
    surprises = _surprises(writer, text)
    scores = _scores(writer, text, surprises)
    pieces = spans(writer.alphabet, text, surprises)
    write_atomically(options.out, page(options.score.name, pieces, scores["nll"]).encode())
    known = [place for place, piece in enumerate(pieces) if not np.isnan(piece.nats)]
    most = sorted(known, key=lambda place: -pieces[place].nats)[:_SHOWN]
    surprising = [
        {
            "after": "".join(each.text for each in pieces[max(0, place - 20) : place]),
            "read": pieces[place].text,
        }
        for place in most
    ]
    return {"scored": str(options.score), **scores, "surprising": surprising, "page": str(options.out)}


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the words, or the score of a text. Written text is returned as it is, with its checks
    in a line below it."""
    lacking = ""
    if "unknown" in answer:
        lacking = f"; {answer['unknown']:,} unknown characters left out: {answer['lacking']}"
    if "words" in answer:
        return ", ".join(f"{each['word']} ({each['probability']:.2f})" for each in answer["words"]) + lacking
    if "text" in answer:
        return f"{answer['primer']}{answer['text']}\n[{in_words(answer['checks'])}{lacking}]"
    name = " ".join(answer["scored"][:40].split())
    line = (
        f"{name}: {answer['nll']:.3f} nats ({answer['bits']:.3f} bits) a symbol, over {answer['symbols']:,}"
    )
    line += lacking
    if "page" in answer:
        least = ", ".join(repr(each["read"]) for each in answer["surprising"])
        line += f"; least expected: {least}; coloured by surprise: {answer['page']}"
    return line
