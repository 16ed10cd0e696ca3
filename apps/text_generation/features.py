"""Turns text into the numbers of its symbols: streams for training, passages for scoring."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.plain_text import pieces
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet, named
from pipelines.ondevice.bundle import Bundle

from .config import TextConfig

log = logging.getLogger(__name__)

PADDING = -1
"""The target of a step that isn't scored: context, or after the end of a text."""


def make_features(config: TextConfig, data: Data) -> Features:
    """Number the symbols of all texts by the alphabet of the training text.

    Training reads streams side by side: rows k * batch_size to (k + 1) * batch_size are the k-th windows of
    all streams. The validation text and the whole test text are one sequence each. Test passages are rows of
    equal length.
    """
    texts = {name: data.splits[name].inputs[0] for name in ("train", "validation", "whole")}
    alphabet = Alphabet(None) if config.alphabet == "bytes" else Alphabet.of(texts["train"])
    symbols = {name: alphabet.encode(text) for name, text in texts.items()}
    test = data.splits["test"]
    longest = max(len(alphabet.encode(passage)) for passage in test.inputs) - 1
    steps = max(longest, config.window)
    inputs, targets = {}, {}
    inputs["train"], targets["train"] = _streams(symbols["train"], config.batch_size, steps)
    for name in ("validation", "whole"):
        inputs[name], targets[name] = symbols[name][None, :-1], symbols[name][None, 1:]
    inputs["test"], targets["test"] = _rows(alphabet, test.inputs, steps, test.targets)
    return Features(
        inputs=inputs,
        targets=targets,
        labels=(),
        preprocessing={**alphabet.settings, "steps": steps},
        counts={"symbols": len(alphabet), "streams": config.batch_size, **_unknown(alphabet, texts)},
        in_order=True,
    )


def _streams(symbols: np.ndarray, streams: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets (windows * streams, steps); what doesn't fill a window of all is left out."""
    windows = (len(symbols) - 1) // (streams * steps)
    if windows == 0:
        raise UserError(
            f"the training text has {len(symbols):,} symbols: expected more than {streams * steps:,} for "
            f"{streams} streams of {steps} steps; lower --batch-size or --window"
        )
    used = windows * streams * steps

    def in_windows(flat: np.ndarray) -> np.ndarray:
        by_stream = flat.reshape(streams, windows, steps)
        return np.ascontiguousarray(by_stream.transpose(1, 0, 2).reshape(windows * streams, steps))

    return in_windows(symbols[:used]), in_windows(symbols[1 : used + 1])


def _unknown(alphabet: Alphabet, texts: dict[str, str]) -> dict[str, int]:
    """Count the characters of held-out text that the alphabet lacks, and name them."""
    counts = {}
    for name, split in (("validation", "validation"), ("test", "whole")):
        found = alphabet.unknown(texts[split])
        counts[f"unknown.{name}"] = found.total()
        if found:
            log.info("%s: characters that the training text lacks are left out: %s", name, named(found))
        if len(alphabet.encode(texts[split])) < 2:
            raise UserError(f"{name}: expected two or more characters that the training text has")
    return counts


def _rows(
    alphabet: Alphabet, texts: Sequence[str], steps: int, contexts: Sequence[int] | np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return texts as inputs and targets (N, steps), padded; context is not scored.

    A text of more symbols than that fills several rows.
    """
    rows = []
    for number, text in enumerate(texts):
        symbols = alphabet.encode(text)
        context = 0 if contexts is None else int(contexts[number])
        unscored = max(0, len(alphabet.encode(text[: context + 1])) - 1) if context else 0
        for start, overlap in pieces(len(symbols), steps):
            row = np.full(steps + 1, PADDING, np.int32)
            piece = symbols[start : start + steps + 1]
            row[: len(piece)] = piece
            target = row[1:].copy()
            target[: max(overlap, unscored - start)] = PADDING
            rows.append((np.maximum(row[:-1], 0), target))
    return np.stack([row for row, _ in rows]), np.stack([target for _, target in rows])


def encode(bundle: Bundle, texts: Sequence[Any]) -> np.ndarray:
    """Return texts as the inputs of the bundle's network, int32 (N, steps)."""
    return _rows(Alphabet.from_settings(bundle.preprocessing), texts, bundle.preprocessing["steps"])[0]


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new text for the bundle's network, int32 (N, steps), in the rows of `encode`."""
    settings = bundle.preprocessing
    alphabet = Alphabet.from_settings(settings)
    return _rows(alphabet, examples.inputs, settings["steps"], examples.targets)[1]
