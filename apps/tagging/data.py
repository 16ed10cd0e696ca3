"""The sentences: embedded, a TFDS set, or the user's own files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipelines.app import lazy
from pipelines.data import source
from pipelines.data.examples import Data
from pipelines.data.tagged_sources import tagged_from_builder, tagged_from_files

from .config import TaggingConfig

_ENTITIES = lazy(__package__, "embedded.entities", "Entities")
_EMBEDDED = {
    "embedded": partial(_ENTITIES, config="full"),
    "embedded/small": partial(_ENTITIES, config="small"),
}


def load(config: TaggingConfig, as_given: bool = False) -> Data:
    """Return the sentences of `config.dataset` by split; raise a one-line UserError if they can't be read.

    With `as_given`, for data that is only scored, no split is required, and nothing is held out.
    """
    seed = None if as_given else config.seed

    readers = source.Readers(
        embedded=_EMBEDDED,
        from_builder=lambda builder: tagged_from_builder(
            builder, config.word_feature, config.tag_feature, seed=seed
        ),
        from_files=lambda path: _own(path, config, seed),
        from_embedded=lambda builder: tagged_from_builder(
            builder, None, config.tag_feature or "entities", seed=seed
        ),
    )
    return source.load(config, readers)


def _own(path: Path, config: TaggingConfig, seed: int | None) -> Data:
    return tagged_from_files(
        path,
        word_column=config.word_column,
        tag_column=config.tag_column,
        sentence_column=config.sentence_column,
        encoding=config.encoding,
        seed=seed,
    )
