"""The words of a caption, the same for the vocabulary, the n-gram metrics and the facts."""

from __future__ import annotations

import re

_NO_WORD = re.compile(r"[^\w\s]|_")


def words(caption: str) -> list[str]:
    """Return the words of `caption`: lower-cased, punctuation removed, split on white space."""
    return _NO_WORD.sub("", caption.lower()).split()
