"""Label texts on the device, and say what an answer rests on: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from ..ondevice.bundle import Bundle
from ..ondevice.model import Model
from ..ondevice.token_ids import load_tokenizer, pad
from ..ondevice.tokenizer import UNKNOWN_ID
from . import classification
from .unsure import is_unsure

_WORDS_SHOWN = 5
_AT_ONCE = 256  # texts that are read at once: threads share them


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

    def answers(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        words = [tokenizer.tokenize(text) for text in texts]
        read = [tokenizer.truncate(each) for each in words]
        ids = [tokenizer.ids(each) for each in read]
        outputs = model.predict(pad(ids, tokenizer.max_length))
        for text, tokens, kept, numbers, probabilities in zip(texts, words, read, ids, outputs, strict=True):
            yield {
                "text": text,
                **classification.answer(bundle.labels, probabilities),
                "tokens": len(tokens),
                "tokens_read": len(numbers),
                "tokens_unknown": numbers.count(UNKNOWN_ID),
                "unknown": _unknown(kept, numbers),
                **is_unsure(bundle, probabilities),
            }

    return chain.from_iterable(map(answers, _parts(texts)))


def _parts(texts: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yield texts that are there in parts, which threads share; those that are typed one by one."""
    if not isinstance(texts, Sequence):
        yield from ([text] for text in texts)
        return
    for start in range(0, len(texts), _AT_ONCE):
        yield texts[start : start + _AT_ONCE]


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
