"""Reads text: the King James Bible, a TFDS set with a text feature, or the user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.data import plain_text, source
from pipelines.data.examples import Data
from pipelines.data.text_files import SPLIT_NAMES

from .config import TextConfig


def load(config: TextConfig, as_given: bool = False) -> Data:
    """Return the text that `config.dataset` names, by split.

    With `as_given`, for text that is only scored, all of it is cut into passages, and nothing is held out.

    Raises:
        UserError: one line, when the data set is unknown, can't be read, or holds too little text.
    """

    def embedded(name: str) -> Any:
        def make(data_dir: str) -> Any:
            from .embedded.king_james import KingJames

            return KingJames(config=name, data_dir=data_dir)

        return make

    def data(texts: dict[str, str], name: str, notes: list[str]) -> Data:
        if as_given:
            return plain_text.as_given(texts, name, notes, config.window)
        splits = plain_text.completed(texts, (config.validation, config.test))
        scoring = plain_text.Scoring(config.window, config.max_scored, config.max_scored_on_device)
        return plain_text.as_splits(splits, name, notes, scoring)

    def from_builder(builder: Any) -> Data:
        texts = plain_text.text_from_builder(builder, config.text_feature)
        return data(
            {SPLIT_NAMES.get(split, split): text for split, text in texts.items()},
            builder.info.full_name,
            [],
        )

    def from_files(path: Path) -> Data:
        text, notes = plain_text.text_of(path, config.encoding)
        return data({"text": text}, path.name, notes)

    readers = source.Readers(
        embedded={"embedded": embedded("whole"), "embedded/small": embedded("small")},
        from_builder=from_builder,
        from_files=from_files,
    )
    return source.load(config, readers)
