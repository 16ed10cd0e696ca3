"""Read vectors of words from text, as GloVe, word2vec and fastText write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UserError
from ..ondevice.tagged_words import plain
from .tables import read_text


def read_vectors(path: Path, size: int) -> dict[str, np.ndarray]:
    """Return vectors (size,) float32 by plain word, in the order of the file.

    Of words that differ in case or digits only, the first one counts.

    Args:
        path: a word and its numbers a line, separated by spaces, also gzipped. A first line with two numbers,
            of words and of numbers in a vector, is left out.
        size: the numbers in a vector.

    Raises:
        UserError: the file can't be read, or a line has another form.
    """
    found: dict[str, np.ndarray] = {}
    for number, line in enumerate(read_text(path.expanduser()).split("\n"), start=1):
        parts = line.rstrip().split(" ")
        if parts == [""] or (number == 1 and len(parts) == 2 and size != 1):
            continue
        try:
            vector = np.array(parts[-size:], np.float32)
        except ValueError:
            vector = np.zeros(0, np.float32)
        if len(parts) <= size or len(vector) != size or not np.isfinite(vector).all():
            raise UserError(
                f"{path}:{number}: expected a word and {size} numbers (--embedding), got {len(parts)} fields"
            )
        found.setdefault(plain(" ".join(parts[:-size])), vector)
    if not found:
        raise UserError(f"{path}: expected lines with a word and its numbers, found none")
    return found
