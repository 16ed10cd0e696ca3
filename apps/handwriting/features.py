"""Drawings as rows of offsets, and what the network is to tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.tasks.classification import label_targets
from pipelines.tasks.ctc_targets import ctc_targets, steps_needed

from .augment import Augment
from .config import HandwritingConfig
from .drawing_input import drawings_of
from .rows import Rows, deviations


def make_features(config: HandwritingConfig, data: Data) -> Features:
    """Return the rows of every split. Deviations, characters and lengths are those of the training split."""
    train: Sequence[Drawing] = data.splits["train"].inputs
    texts = "".join(each.label or "" for each in train) if "text" in (config.answer, config.given) else ""
    alphabet = Alphabet.of(texts)
    rows = Rows(
        deviation=deviations(train),
        steps=max(len(each.points) for each in train) - 1,
        characters=_room(config, train),
        alphabet=alphabet.characters or "",
        labels=data.labels if config.given == "label" else (),
        ahead=config.answer == "strokes",
    )
    lengths = np.array([len(each.points) - 1 for each in train])
    unknown = {
        f"unknown.{name}": sum(alphabet.unknown(each.label or "").total() for each in split.inputs)
        for name, split in data.splits.items()
        if texts and name != "train"
    }
    return Features(
        inputs={name: rows.of_all(split.inputs) for name, split in data.splits.items()},
        targets={name: _targets(rows, config.answer, split) for name, split in data.splits.items()},
        labels=data.labels if config.answer == "label" else (),
        preprocessing={"kind": "strokes", "answer": config.answer, **rows.settings},
        counts={"steps": rows.steps, "characters": len(alphabet.characters or ""), **unknown},
        lengths={"train": lengths},
        targets_per_step=config.answer == "strokes",
        augment=Augment(config, rows.deviation),
    )


def _room(config: HandwritingConfig, drawings: Sequence[Drawing]) -> int:
    """Return the number of columns for what a network of strokes is told."""
    if config.given == "text":
        return 1 + max(len(each.label or "") for each in drawings)  # one behind the end of the longest
    return int(config.given == "label")


def _targets(rows: Rows, answer: str, examples: Examples) -> np.ndarray:
    """Return the next offsets, the numbers of the labels, or the texts as numbers."""
    if answer == "strokes":
        return np.stack([rows.targets(each) for each in examples.inputs])
    return examples.targets if answer == "label" else _texts(rows, examples.inputs)


def _texts(rows: Rows, drawings: Sequence[Drawing]) -> np.ndarray:
    """Return texts as `CTCLoss` takes them; characters are numbers from 1 on."""
    alphabet, texts = Alphabet(rows.alphabet), []
    for each in drawings:
        texts.append((1 + alphabet.encode(each.label or "")).tolist())
        if len(each.points) <= steps_needed(texts[-1]):
            raise UserError(f"{each.where}: expected more points than characters, got {len(each.points)}")
    return ctc_targets(texts, [min(rows.steps, len(each.points) - 1) for each in drawings])


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return drawings as rows, (N, steps, 3 + characters) float32; longer ones are cut.

    An input is a `Drawing` of a data set, an array of points (N, 3), or a file, which may have several.
    """
    return Rows.of(bundle.preprocessing).of_all([one for each in inputs for one in drawings_of(bundle, each)])


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new drawings for the bundle's network."""
    if bundle.preprocessing["answer"] == "label":
        return label_targets(bundle, data, examples)
    return _targets(Rows.of(bundle.preprocessing), bundle.preprocessing["answer"], examples)
