"""Turns text into the numbers of its symbols: streams for training, passages for scoring."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.plain_text import joined
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle

from .config import TextConfig

log = logging.getLogger(__name__)

PADDING = -1
"""The target of a step that isn't scored: context, or after the end of a text."""


def make_features(config: TextConfig, data: Data) -> Features:
    """Number the symbols of all texts by the alphabet of the training text.

    Training reads streams side by side: rows k * batch_size to (k + 1) * batch_size are the k-th windows of
    all streams. The validation text is one sequence. Test passages are rows of equal length.
    """
    splits = data.splits
    text = splits["train"].inputs[0]
    alphabet = Alphabet(None) if config.alphabet == "bytes" else Alphabet.of(text)
    test = splits["test"]
    longest = max(len(alphabet.encode(passage)) for passage in test.inputs) - 1
    settings = {**alphabet.settings, "steps": max(longest, config.window)}
    validation = alphabet.encode(joined(splits["validation"]))
    train_inputs, train_targets = _streams(alphabet.encode(text), config.batch_size, settings["steps"])
    return Features(
        inputs={
            "train": train_inputs,
            "validation": validation[None, :-1],
            "test": _rows(alphabet, test.inputs, settings["steps"])[0],
        },
        targets={
            "train": train_targets,
            "validation": validation[None, 1:],
            "test": _rows(alphabet, test.inputs, settings["steps"], test.targets)[1],
        },
        labels=(),
        preprocessing=settings,
        counts={"symbols": len(alphabet), "streams": config.batch_size, **_unknown(alphabet, data)},
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


def _unknown(alphabet: Alphabet, data: Data) -> dict[str, int]:
    """Count the characters of held-out text that the alphabet lacks, and name them."""
    counts = {}
    for name in ("validation", "test"):
        found = alphabet.unknown(joined(data.splits[name]))
        counts[f"unknown.{name}"] = found.total()
        if found:
            named = ", ".join(f"{each!r} ({count})" for each, count in found.most_common(5))
            log.info("%s: characters that the training text lacks are left out: %s", name, named)
    return counts


def _rows(
    alphabet: Alphabet, texts: Sequence[str], steps: int, contexts: Sequence[int] | np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return texts as inputs and targets (N, steps), cut or padded; context is not scored."""
    inputs = np.zeros((len(texts), steps), np.int32)
    targets = np.full((len(texts), steps), PADDING, np.int32)
    for row, text in enumerate(texts):
        symbols = alphabet.encode(text)[: steps + 1]
        before = 0 if contexts is None else len(alphabet.encode(text[: int(contexts[row])]))
        inputs[row, : len(symbols)] = symbols[:steps]
        targets[row, before : max(before, len(symbols) - 1)] = symbols[before + 1 :]
    return inputs, targets


def encode(bundle: Bundle, texts: Sequence[Any]) -> np.ndarray:
    """Return texts as the inputs of the bundle's network, int32 (N, steps)."""
    return _rows(Alphabet.from_settings(bundle.preprocessing), texts, bundle.preprocessing["steps"])[0]


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of passages of new text for the bundle's network, int32 (N, steps)."""
    settings = bundle.preprocessing
    alphabet = Alphabet.from_settings(settings)
    return _rows(alphabet, examples.inputs, settings["steps"], examples.targets)[1]
