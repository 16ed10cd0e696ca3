"""Label texts on the device, and say what an answer rests on: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..ondevice.bundle import Bundle
from ..ondevice.model import Model
from ..ondevice.token_ids import load_tokenizer, pad
from ..ondevice.tokenizer import UNKNOWN_ID
from . import classification
from .unsure import is_unsure

_WORDS_SHOWN = 5


def predict(
    bundle: Bundle, texts: Iterable[str], variant: str | None = None, options: Any = None
) -> Iterator[dict[str, Any]]:
    """Yield each text's label and probabilities, its tokens and unknown words, and whether it is unsure.

    Args:
        bundle: a bundle of a classifier of texts.
        texts: the texts.
        variant: a file of the bundle, or a precision; None for float32.
        options: not used.
    """
    tokenizer, model = load_tokenizer(bundle), Model(bundle.variant_path(variant))

    def answer(text: str) -> dict[str, Any]:
        words = tokenizer.tokenize(text)
        read = tokenizer.truncate(words)
        ids = tokenizer.ids(read)
        (probabilities,) = model.predict(pad([ids], tokenizer.max_length))
        return {
            "text": text,
            **classification.answer(bundle.labels, probabilities),
            "tokens": len(words),
            "tokens_read": len(ids),
            "tokens_unknown": ids.count(UNKNOWN_ID),
            "unknown": _unknown(read, ids),
            **is_unsure(bundle, probabilities),
        }

    return map(answer, texts)


def _unknown(words: Sequence[str], ids: Sequence[int]) -> list[str]:
    """Return the unknown words, each once, in order."""
    return list(dict.fromkeys(word for word, number in zip(words, ids, strict=True) if number == UNKNOWN_ID))


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the label, all probabilities, and remarks on what the network could not read."""
    line = f"{answer['label']:<10}" + classification.ranked(answer)
    return "  ".join([line, *(f"({remark})" for remark in _remarks(answer))])


def _remarks(answer: dict[str, Any]) -> list[str]:
    read, unknown, words = answer["tokens_read"], answer["tokens_unknown"], answer["unknown"]
    remarks = [f"read {read} of {answer['tokens']} tokens"] if read < answer["tokens"] else []
    if unknown == read:
        remarks.append("no known word" if read else "empty text")
    elif words:
        more = f" and {len(words) - _WORDS_SHOWN} more" if len(words) > _WORDS_SHOWN else ""
        remarks.append(f"unknown: {' '.join(words[:_WORDS_SHOWN])}{more}")
    if answer.get("unsure"):
        remarks.append(f"unsure: below {answer['unsure_below']:.2f}")
    return remarks
