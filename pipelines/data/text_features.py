"""Convert texts to token ids, with a vocabulary that is learned on the training split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..config import VocabularyConfig
from ..ondevice import tokenizer as tokenizer_module
from ..ondevice.token_ids import VOCABULARY, pad
from ..ondevice.tokenizer import UNKNOWN_ID, Tokenizer
from .examples import Data, Features

_LONGEST_BY_DEFAULT = 400


def token_features(config: VocabularyConfig, data: Data, words: Iterable[str] = ()) -> Features:
    """Convert the texts in every split of `data` to token ids (texts, max_length) int32.

    The vocabulary is learned on `train`, and on `pretraining` if there is one. The targets are not
    changed. The tokenizer goes into the assets, as JSON and as Python source. `words` are counted as if they
    occurred `config.min_count` times more, so that rare ones stay in the vocabulary, too.
    """
    tokens = {
        name: [tokenizer_module.tokenize(text) for text in split.inputs]
        for name, split in data.splits.items()
    }
    lengths = {name: np.array([len(text) for text in split]) for name, split in tokens.items()}
    longest = config.max_length or _length_for(lengths["train"])
    learned_on = [data.splits[name] for name in ("pretraining", "train") if name in data.splits]
    texts = [text for split in learned_on for text in split.inputs] + [*words] * config.min_count
    tokenizer = Tokenizer.fit(
        texts, config.vocabulary_size, min_count=config.min_count, max_length=longest, keep=config.keep
    )
    inputs = {
        name: pad([tokenizer.ids(tokenizer.truncate(text)) for text in split], longest)
        for name, split in tokens.items()
    }
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


def _counts(inputs: dict[str, np.ndarray], lengths: dict[str, np.ndarray], longest: int) -> dict[str, float]:
    """Return the number of truncated texts and the share of unknown tokens for each split."""
    counts: dict[str, float] = {}
    for name, ids in inputs.items():
        counts[f"truncated.{name}"] = int((lengths[name] > longest).sum())
        present = ids[ids > 0]
        unknown = float((present == UNKNOWN_ID).mean()) if present.size else 0.0
        counts[f"unknown_tokens.{name}"] = round(unknown, 5)
    return counts


def _length_for(lengths: np.ndarray) -> int:
    """Return the length that 99 % of the texts fit in, rounded up to a multiple of 8, from 8 to 400."""
    needed = int(np.ceil(np.percentile(lengths, 99) / 8)) * 8
    return min(max(needed, 8), _LONGEST_BY_DEFAULT)
