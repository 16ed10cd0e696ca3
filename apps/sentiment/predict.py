"""Labels texts on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.app import NoOptions
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.token_ids import load_tokenizer, pad
from pipelines.ondevice.tokenizer import UNKNOWN_ID
from pipelines.tasks import classification


def predict(
    bundle: Bundle, texts: Sequence[str], variant: str | None = None, options: NoOptions | None = None
) -> list[dict[str, Any]]:
    """Return each text's label and probabilities, and how many of its tokens were read and unknown."""
    tokenizer = load_tokenizer(bundle)
    tokens = [tokenizer.tokenize(text) for text in texts]
    ids = [tokenizer.ids(tokenizer.truncate(words)) for words in tokens]
    outputs = Model(bundle.variant_path(variant)).predict(pad(ids, tokenizer.max_length))
    return [
        {
            "text": text,
            **classification.answer(bundle.labels, probabilities),
            "tokens": len(words),
            "tokens_read": len(read),
            "tokens_unknown": read.count(UNKNOWN_ID),
        }
        for text, words, read, probabilities in zip(texts, tokens, ids, outputs, strict=True)
    ]


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the label, all probabilities, and a remark if the text was not fully read."""
    line = f"{answer['label']:<10}" + classification.ranked(answer)
    read, unknown = answer["tokens_read"], answer["tokens_unknown"]
    if read < answer["tokens"]:
        line += f"  (read {read} of {answer['tokens']} tokens)"
    if unknown == read:
        line += "  (no known word)" if read else "  (empty text)"
    return line
