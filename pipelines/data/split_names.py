"""Which split a file belongs to, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .tables import bare
from .text_files import SPLIT_NAMES


def split_of(file: Path) -> tuple[str | None, str]:
    """Return the split that a file's name begins or ends with, and the rest of it without the suffix."""
    parts = re.split(r"([._-])", bare(file).stem)
    if split := SPLIT_NAMES.get(parts[0].lower()):
        return split, "".join(parts[2:])
    return SPLIT_NAMES.get(parts[-1].lower()), "".join(parts[:-2])


def by_split(files: Sequence[Path], rest: str) -> dict[str, Path]:
    """Return the file of each split among those with the same rest of their name, or with any if it is "".

    Of several test files the first is the test split, and the others are further ones.

    Raises:
        UserError: there are two files for another split.
    """
    found: dict[str, Path] = {}
    for file in files:
        split, its_rest = split_of(file)
        if split is None or (rest and its_rest != rest):
            continue
        if split in found and split != "test":
            both = f"{found[split].name} and {file.name}"
            raise UserError(f"{file.parent}: expected one file for the {split} split, got {both}")
        found[bare(file).stem if split in found else split] = file
    return found
