"""Writes samples for the tracker: after each epoch, and of the finished bundle at several temperatures."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from pipelines.data.examples import Features
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.generation_layers import KerasNetwork
from pipelines.tasks.surprise_page import page, spans
from pipelines.tasks.text_checks import checks, in_words

from .config import TextConfig
from .generate import Writer

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

log = logging.getLogger(__name__)

TEMPERATURES = (0.5, 0.8, 1.0)
_LENGTH, _LENGTH_OF_AN_EPOCH, _COLOURED = 1000, 300, 2000


def each_epoch(
    config: TextConfig, features: Features, deployed: keras.Model, *, epoch: int, folder: Path
) -> None:
    """Write a short text of the network after this epoch."""
    writer = Writer(KerasNetwork(deployed), Alphabet.from_settings(features.preprocessing))
    text = writer.write(_LENGTH_OF_AN_EPOCH, Sampler(0.8), config.seed)
    Path(folder, f"epoch_{epoch:03}.txt").write_text(text, encoding="utf-8")


def write_samples(config: TextConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write text of the float32 file at several temperatures, and a part of the test text by its surprise.

    Returns checks of the texts, and the perplexity of a word of the whole test text.
    """
    network = StreamNetwork.of(bundle, "float32")
    writer = Writer(network, Alphabet.from_settings(bundle.preprocessing))
    corpus = outcome.data.splits["train"].inputs[0]
    figures = {"word_perplexity": word_perplexity(outcome)}
    for temperature in TEMPERATURES:
        text = writer.write(_LENGTH, Sampler(temperature), config.seed)
        (folder / f"temperature_{temperature:g}.txt").write_text(text, encoding="utf-8")
        of_text = checks(text, corpus)
        log.info("sample at temperature %g: %s", temperature, in_words(of_text))
        figures |= {f"temperature_{temperature:g}.{name}": value for name, value in of_text.items()}
    test = outcome.data.splits["whole"].inputs[0][:_COLOURED]
    surprises = writer.surprises(test)
    coloured = page("test text", spans(writer.alphabet, test, surprises), float(surprises.mean()))
    (folder / "surprise.html").write_text(coloured, encoding="utf-8")
    return figures


def word_perplexity(outcome: Outcome) -> float:
    """Return exp(nats of the whole test text / number of words); spaces and punctuation count as parts."""
    words = len(outcome.data.splits["whole"].inputs[0].split())
    nats = outcome.scores["whole"]["nll"] * outcome.features.targets["whole"].size
    return math.exp(min(700.0, nats / max(1, words)))
