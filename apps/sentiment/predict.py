"""Label texts on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.app import NoOptions
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model

from .features import load_tokenizer, pad


def predict(
    bundle: Bundle, texts: Sequence[str], variant: str | None = None, options: NoOptions | None = None
) -> list[dict[str, Any]]:
    """Return for each text its label, the probability of every label, and how much of it was read."""
    tokenizer = load_tokenizer(bundle)
    labels = bundle.manifest["labels"]
    tokens = [tokenizer.tokenize(text) for text in texts]
    ids = [tokenizer.ids(tokenizer.truncate(words)) for words in tokens]
    outputs = Model(bundle.variant_path(variant)).predict(pad(ids, tokenizer.max_length))
    return [
        {
            "text": text,
            "label": labels[int(probabilities.argmax())],
            "probabilities": {
                label: round(float(p), 6) for label, p in zip(labels, probabilities, strict=True)
            },
            "tokens": len(words),
            "tokens_read": len(read),
            "tokens_unknown": sum(i == 1 for i in read),
        }
        for text, words, read, probabilities in zip(texts, tokens, ids, outputs, strict=True)
    ]


def describe(answer: dict[str, Any]) -> str:
    """Return one line: label, probabilities, and a word where the text was not fully read."""
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
    line = f"{answer['label']:<10}" + "  ".join(f"{label} {p:.3f}" for label, p in ranked)
    read, unknown = answer["tokens_read"], answer["tokens_unknown"]
    if read < answer["tokens"]:
        line += f"  (read {read} of {answer['tokens']} tokens)"
    if unknown == read:
        line += "  (no known word)" if read else "  (empty text)"
    return line
