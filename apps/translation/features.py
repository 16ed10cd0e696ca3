"""Texts as subwords: `make_features` learns them on `train`, `encode` uses them on the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.subword_training import train_subwords
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.subwords import Subwords
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.alignment import Aligner
from pipelines.tasks.generation import shifted

from .config import TranslationConfig

_Item = TypeVar("_Item")
SUBWORDS = "subwords.json"
_MOST_PIECES = 200
_PERCENTILE = 99


@dataclass(frozen=True)
class Reference:
    """The target of a pair in the data, and the subwords that decode the network's answer."""

    text: str
    subwords: Subwords


def make_features(config: TranslationConfig, data: Data) -> Features:
    """Learn the subwords and, to guide the attention, which piece becomes which, on `train`."""
    train, validation = data.splits["train"], data.splits["validation"]
    subwords = train_subwords([*train.inputs, *train.targets], config.pieces)
    ids = {"source": _encoded(subwords, train.inputs), "target": _encoded(subwords, train.targets)}
    longest = {
        "source": config.max_source or _enough(ids["source"]),
        "target": config.max_target or _enough(ids["target"]),
    }
    of_end = config.hops > 0
    inputs = {
        name: _padded(_encoded(subwords, split.inputs), longest["source"], of_end=of_end)
        for name, split in data.splits.items()
    }
    targets = {name: references(split, subwords) for name, split in data.splits.items()}
    targets["train"] = _padded(ids["target"], longest["target"] + 1)
    aligner = Aligner(ids["source"], ids["target"]) if config.attention_guidance else None
    batch = Reading(subwords.start, aligner)
    of_validation = _padded(_encoded(subwords, validation.targets), longest["target"] + 1)
    lengths = np.maximum((inputs["train"] != END).sum(axis=1), (targets["train"] != END).sum(axis=1) + 1)
    return Features(
        inputs=inputs,
        targets=targets,
        labels=(),
        preprocessing={"kind": "pairs", "lower_case": config.lower_case, "end_of_source": of_end}
        | {f"max_{name}": size for name, size in longest.items()},
        assets={SUBWORDS: subwords.to_json()},
        counts={"pieces": len(subwords.known)}
        | {f"max_{name}": size for name, size in longest.items()}
        | {f"{name}s_cut.train": sum(len(row) > longest[name] for row in rows) for name, rows in ids.items()}
        | (_lines(inputs["train"], subwords.line) if config.hops else {}),
        lengths={"train": lengths},
        targets_per_step=True,
        validation=batch(inputs["validation"], of_validation),
        augment=batch,
    )


class Reading:
    """Makes the inputs and targets of training from a batch of pairs.

    Args:
        start: the token that is read first.
        aligner: tells where the attention should be; None if nothing guides it.
    """

    def __init__(self, start: int, aligner: Aligner | None) -> None:
        self._start = start
        self._aligner = aligner

    def __call__(self, source: np.ndarray, target: np.ndarray, rng: Any = None) -> tuple[Any, np.ndarray]:
        """Return what the network reads, and the targets (batch, steps, 1).

        Args:
            source: ids (batch, places).
            target: ids (batch, steps).
            rng: not used.
        """
        inputs = {"source": source, "tokens": shifted(target, self._start)[:, :, None]}
        if self._aligner is not None:
            sources, targets = ([row[row != END] for row in rows] for rows in (source, target))
            weights = self._aligner.padded(sources, targets, (target.shape[1], source.shape[1]))
            inputs["alignment"] = weights.reshape(len(source), -1).astype(np.float32)
        return inputs, target[:, :, None]


def _encoded(subwords: Subwords, texts: Iterable[str]) -> list[list[int]]:
    return [subwords.encode(text) for text in texts]


def _enough(rows: Sequence[Sequence[int]]) -> int:
    """Return the length that is enough for nearly all texts."""
    return min(_MOST_PIECES, max(1, int(np.percentile([len(row) for row in rows], _PERCENTILE))))


def _lines(sources: np.ndarray, separator: int) -> dict[str, int]:
    """Return the number of lines of the source that has most, and of pieces in the longest line."""
    lines = [np.split(row, np.flatnonzero(row == separator)) for row in sources]
    counts = {
        "max_lines": max(map(len, lines)),
        "max_line": max(int((line != END).sum()) for row in lines for line in row),
    }
    if counts["max_lines"] == 1:
        raise UserError("--hops: expected sources of several lines, the last one a question; all have one")
    return counts


def _padded(rows: Sequence[Sequence[int]], length: int, *, of_end: bool = False) -> np.ndarray:
    """Return ids (N, length), END behind each row; of longer rows the first ids, or the last ones."""
    padded = np.full([len(rows), length], END, np.int32)
    for to, row in zip(padded, rows, strict=True):
        kept = _cut(row, length, of_end=of_end)
        to[: len(kept)] = kept
    return padded


def _cut(row: Sequence[_Item], length: int, *, of_end: bool) -> Sequence[_Item]:
    return row[max(0, len(row) - length) :] if of_end else row[:length]


def references(examples: Examples, subwords: Subwords) -> np.ndarray:
    """Return an object array (N,) of `Reference`."""
    found = np.empty(len(examples), object)
    found[:] = [Reference(text, subwords) for text in examples.targets]
    return found


def plain(bundle: Bundle, text: str) -> str:
    """Return a text in the case that the network reads."""
    return text.lower() if bundle.preprocessing["lower_case"] else text


def encode(bundle: Bundle, inputs: Sequence[Any]) -> np.ndarray:
    """Return texts as ids (N, places) int32, END at padding; longer texts are cut."""
    rows = _encoded(subwords_of(bundle), [plain(bundle, str(text)) for text in inputs])
    return _padded(rows, bundle.preprocessing["max_source"], of_end=reads_end(bundle))


def reads_end(bundle: Bundle) -> bool:
    """Return whether the network reads the end of a text that is too long, not its beginning."""
    return bool(bundle.preprocessing.get("end_of_source"))


def read_pieces(bundle: Bundle, pieces: list[str]) -> list[str]:
    """Return those pieces of a text that the network reads."""
    return list(_cut(pieces, bundle.preprocessing["max_source"], of_end=reads_end(bundle)))


def subwords_of(bundle: Bundle) -> Subwords:
    """Return the subwords that ship in the bundle."""
    return Subwords.from_json(bundle.asset(SUBWORDS))


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the references of new data, with the bundle's subwords."""
    return references(examples, subwords_of(bundle))
