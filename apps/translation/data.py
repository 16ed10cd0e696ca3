"""The pairs of texts: verses of two Bibles, a TFDS set, or the user's own files."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from pipelines.app import lazy
from pipelines.data import pair_sources, source
from pipelines.data.examples import Data, Examples
from pipelines.data.tables import Form

from .config import TranslationConfig

_BIBLES = lazy(__package__, "embedded.two_bibles", "TwoBibles")
_NAMES = {"embedded": "short", "embedded/full": "full", "embedded/small": "small"}
_EMBEDDED = {dataset: partial(_BIBLES, config=name) for dataset, name in _NAMES.items()}


def load(config: TranslationConfig, as_given: bool = False) -> Data:
    """Return the pairs by split; with --lower-case both sides are in lower case.

    They are those of --dataset; if --source is a file, those of this file and of --target.

    Raises:
        UserError: one line, when there are no such pairs, or they can't be read.
    """
    if config.source is not None and Path(config.source).expanduser().is_file():
        config = dataclasses.replace(config, dataset=str(Path(config.source)), source=None)
    sides, seed = (config.source, config.target), None if as_given else config.seed
    form = Form(config.encoding, config.delimiter, config.columns)
    readers = source.Readers(
        _EMBEDDED,
        from_builder=lambda builder: pair_sources.pairs_from_builder(builder, *sides, seed=seed),
        from_files=lambda path: pair_sources.pairs_from_files(path, *sides, form=form, seed=seed),
        from_embedded=lambda builder: pair_sources.pairs_from_builder(builder, seed=seed),
    )
    found = source.load(config, readers)
    if not config.lower_case:
        return found
    return dataclasses.replace(found, splits={name: _lower(each) for name, each in found.splits.items()})


def _lower(examples: Examples) -> Examples:
    targets = np.empty(len(examples), object)
    targets[:] = [text.lower() for text in examples.targets]
    return Examples([text.lower() for text in examples.inputs], targets)
