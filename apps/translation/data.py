"""The pairs of texts: verses of two Bibles, a TFDS set, or the user's own files."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from pipelines.app import lazy
from pipelines.data import pair_sources, source
from pipelines.data.examples import Data, Examples
from pipelines.data.tables import Form, bare, is_table
from pipelines.errors import UserError

from .config import TranslationConfig

_BIBLES = lazy(__package__, "embedded.two_bibles", "TwoBibles")
_NAMES = {
    "embedded": "short",
    "embedded/longer": "longer",
    "embedded/full": "full",
    "embedded/small": "small",
}
_EMBEDDED = {dataset: partial(_BIBLES, config=name) for dataset, name in _NAMES.items()}


def load(config: TranslationConfig, as_given: bool = False) -> Data:
    """Return the pairs by split; with --lower-case both sides are in lower case.

    They are those of --dataset; if none is named and --source is a file, those of this file and of --target.

    Raises:
        UserError: one line, when there are no such pairs, or they can't be read.
    """
    config = _of_new_data(config) if as_given else _of_two_files(config)
    sides, seed = (config.source, config.target), None if as_given else config.seed
    readers = source.Readers(
        _EMBEDDED,
        from_builder=lambda builder: pair_sources.pairs_from_builder(builder, *sides, seed=seed),
        from_files=lambda path: pair_sources.pairs_from_files(path, *sides, form=_form(config), seed=seed),
        from_embedded=lambda builder: pair_sources.pairs_from_builder(builder, seed=seed),
    )
    found = source.load(config, readers)
    if not config.lower_case:
        return found
    return dataclasses.replace(found, splits={name: _lower(each) for name, each in found.splits.items()})


def _of_two_files(config: TranslationConfig) -> TranslationConfig:
    """Return the settings with the file --source as the data set, if no other is named."""
    if config.source is None or config.dataset not in _NAMES:
        return config
    if not Path(config.source).expanduser().is_file():
        raise UserError(f"--source {config.source}: expected a file, or a --dataset that has this side")
    return dataclasses.replace(config, dataset=config.source, source=None)


def _of_new_data(config: TranslationConfig) -> TranslationConfig:
    """Return the settings for another data set than that of the training, whose files may be the sides."""
    sides = _side(config.source, config), _side(config.target, config)
    return dataclasses.replace(config, source=sides[0], target=sides[1])


def _side(name: str | None, config: TranslationConfig) -> str | None:
    """Return a column, language or suffix. Of a file, it is the suffix, unless tables are read: then None."""
    if name is None:
        return None
    file = Path(name).expanduser()
    is_file, tables = file.is_file() or len(file.parts) > 1, _form(config).is_table(Path(config.dataset))
    if not is_file and (tables or not file.suffix):  # a column may be called text.en
        return name
    return None if tables or is_table(file) else bare(file).suffix[1:] or None


def _form(config: TranslationConfig) -> Form:
    return Form(config.encoding, config.delimiter, config.columns)


def _lower(examples: Examples) -> Examples:
    targets = np.empty(len(examples), object)
    targets[:] = [text.lower() for text in examples.targets]
    return Examples([text.lower() for text in examples.inputs], targets)
