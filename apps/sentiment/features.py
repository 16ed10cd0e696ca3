"""Text to token ids: learned on the training split, the same on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.ondevice import tokenizer as tokenizer_module
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.tokenizer import Tokenizer

from .config import SentimentConfig

VOCABULARY = "vocabulary.json"
_LONGEST_BY_DEFAULT = 400


def make_features(config: SentimentConfig, data: Data) -> Features:
    """Learn the vocabulary and the length on `train`, and encode every split."""
    tokens = {
        name: [tokenizer_module.tokenize(text) for text in split.inputs]
        for name, split in data.splits.items()
    }
    lengths = {name: np.array([len(text) for text in split]) for name, split in tokens.items()}
    max_length = config.max_length or _length_for(lengths["train"])
    trained_on = [
        text for name in ("pretraining", "train") if name in data.splits for text in data.splits[name].inputs
    ]
    tokenizer = Tokenizer.fit(
        trained_on,
        config.vocabulary_size,
        min_count=config.min_count,
        max_length=max_length,
        keep=config.keep,
    )
    inputs = {
        name: pad([tokenizer.ids(tokenizer.truncate(text)) for text in split], max_length)
        for name, split in tokens.items()
    }
    counts: dict[str, float] = {"vocabulary": len(tokenizer.vocabulary), "max_length": max_length}
    for name in data.splits:
        counts[f"truncated.{name}"] = int((lengths[name] > max_length).sum())
        known = inputs[name][inputs[name] > 0]
        counts[f"unknown_tokens.{name}"] = round(float((known == 1).mean()), 5) if known.size else 0.0
    return Features(
        inputs=inputs,
        targets={name: split.targets for name, split in data.splits.items()},
        labels=data.labels,
        preprocessing={"kind": "text", "tokenizer": VOCABULARY, "max_length": max_length},
        assets={
            VOCABULARY: tokenizer.to_json(),
            "text.py": Path(tokenizer_module.__file__).read_bytes(),
        },
        counts=counts,
        lengths={name: np.minimum(length, max_length) for name, length in lengths.items()},
    )


def encode(bundle: Bundle, texts: Sequence[str]) -> np.ndarray:
    """Return the token ids of `texts` as the bundle's network wants them: (texts, max_length) int32."""
    tokenizer = load_tokenizer(bundle)
    return pad([tokenizer.encode(text) for text in texts], tokenizer.max_length)


def load_tokenizer(bundle: Bundle) -> Tokenizer:
    """Return the tokenizer that ships in the bundle."""
    return Tokenizer.from_json(bundle.asset(VOCABULARY))


def pad(ids: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Return the ids with zeros behind: (len(ids), length) int32."""
    padded = np.zeros([len(ids), length], np.int32)
    for row, text in zip(padded, ids, strict=True):
        row[: len(text)] = text
    return padded


def _length_for(lengths: np.ndarray) -> int:
    """Return what 99 of 100 texts need, in multiples of 8, within bounds."""
    needed = int(np.ceil(np.percentile(lengths, 99) / 8)) * 8
    return min(max(needed, 8), _LONGEST_BY_DEFAULT)
