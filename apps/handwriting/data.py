"""The drawings: made-up handwriting, a TFDS set of the same kind, or the user's own files."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pipelines.app import lazy
from pipelines.data import source, stroke_sources
from pipelines.data.examples import Data
from pipelines.data.stroke_reading import Reading

from .config import HandwritingConfig

_WRITTEN = lazy(__package__, "embedded.handwriting_set", "Handwriting")
_NAMES = {
    "embedded": "lines",
    "embedded/digits": "digits",
    "embedded/characters": "characters",
    "embedded/small": "small",
    "embedded/small_digits": "small_digits",
}


def load(config: HandwritingConfig, as_given: bool = False) -> Data:
    """Return the drawings by split; the drawings of a writer are in one of them.

    With `as_given`, for drawings that are only scored, nothing is held out.

    Raises:
        UserError: one line, when there are no such drawings, or they can't be read.
    """
    reading, seed = reading_of(config), None if as_given else config.seed
    readers = source.Readers(
        embedded={name: partial(_WRITTEN, config=part) for name, part in _NAMES.items()},
        from_builder=lambda builder: stroke_sources.drawings_from_builder(builder, reading, seed),
        from_files=lambda path: stroke_sources.drawings_from_files(path, reading, seed),
    )
    return source.load(config, readers)


def reading_of(config: HandwritingConfig) -> Reading:
    """Return how files are read, and how their drawings are made alike.

    A network that writes keeps points that repeat the one before, since a pen that rests is a part of what it
    scores; what is read does not depend on them.
    """
    of_classes = "label" in (config.answer, config.given)
    targets: Literal["texts", "labels"] = "labels" if of_classes else "texts"
    return Reading(
        label=config.label_column,
        writer=config.writer_column,
        y_up=config.y_up,
        rate=config.rate,
        step=config.step,
        repeats=config.answer == "strokes",
        most=config.max_points,
        targets=targets,
    )
