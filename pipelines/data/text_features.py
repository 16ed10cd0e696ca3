"""Convert texts to token ids, with a vocabulary that is learned on the training split."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..config import VocabularyConfig
from ..ondevice import tokenizer as tokenizer_module
from ..ondevice.token_ids import VOCABULARY, pad
from ..ondevice.tokenizer import UNKNOWN_ID, Tokenizer
from .examples import Data, Features
from .on_disk import computed

_AT_ONCE = 1000  # texts that are counted at a time
_LONGEST_BY_DEFAULT = 400


def token_features(config: VocabularyConfig, data: Data, words: Iterable[str] = ()) -> Features:
    """Convert the texts in every split of `data` to token ids (texts, max_length) int32.

    The vocabulary is learned on `train`, and on `pretraining` if there is one. The targets are not
    changed. The tokenizer goes into the assets, as JSON and as Python source. `words` are counted as if they
    occurred `config.min_count` times more, so that rare ones stay in the vocabulary, too.
    """
    lengths = {name: _lengths(split.inputs) for name, split in data.splits.items()}
    longest = config.max_length or _length_for(lengths["train"])
    learned_on = [data.splits[name].inputs for name in ("pretraining", "train") if name in data.splits]
    tokenizer = Tokenizer.fit(
        itertools.chain(*learned_on, [*words] * config.min_count),
        config.vocabulary_size,
        min_count=config.min_count,
        max_length=longest,
        keep=config.keep,
    )

    def ids(texts: Sequence[str]) -> np.ndarray:
        return pad([tokenizer.encode(text) for text in texts], longest)

    inputs = {name: computed(split.inputs, ids) for name, split in data.splits.items()}
    return Features(
        inputs=inputs,
        targets={name: split.targets for name, split in data.splits.items()},
        labels=data.labels,
        preprocessing={"kind": "text", "tokenizer": VOCABULARY, "max_length": longest},
        assets={
            VOCABULARY: tokenizer.to_json(),
            "text.py": Path(tokenizer_module.__file__).read_bytes(),
        },
        counts={"vocabulary": len(tokenizer.vocabulary), "max_length": longest}
        | _counts(inputs, lengths, longest),
        lengths={name: np.minimum(length, longest) for name, length in lengths.items()},
    )


def _lengths(texts: Sequence[str]) -> np.ndarray:
    """Return the number of tokens of each text."""
    return np.fromiter((len(tokenizer_module.tokenize(text)) for text in texts), np.int64, len(texts))


def _counts(inputs: dict[str, Any], lengths: dict[str, np.ndarray], longest: int) -> dict[str, float]:
    """Return the number of truncated texts and the share of unknown tokens for each split."""
    counts: dict[str, float] = {}
    for name, ids in inputs.items():
        counts[f"truncated.{name}"] = int((lengths[name] > longest).sum())
        unknown = present = 0
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            unknown += int((some == UNKNOWN_ID).sum())
            present += int((some > 0).sum())
        counts[f"unknown_tokens.{name}"] = round(unknown / max(present, 1), 5)
    return counts


def _length_for(lengths: np.ndarray) -> int:
    """Return the length that 99 % of the texts fit in, rounded up to a multiple of 8, from 8 to 400."""
    needed = int(np.ceil(np.percentile(lengths, 99) / 8)) * 8
    return min(max(needed, 8), _LONGEST_BY_DEFAULT)
