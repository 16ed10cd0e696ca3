"""Reads text: the King James Bible, a TFDS set with a text feature, or the user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.data import source
from pipelines.data.examples import Data
from pipelines.data.plain_text import as_splits, cut_in_order, text_from_builder, text_of
from pipelines.data.text_files import SPLIT_NAMES

from .config import TextConfig


def load(config: TextConfig) -> Data:
    """Return the text that `config.dataset` names, by split.

    Raises:
        UserError: one line, when the data set is unknown, can't be read, or holds too little text.
    """

    def embedded(name: str) -> Any:
        def make(data_dir: str) -> Any:
            from .embedded.king_james import KingJames

            return KingJames(config=name, data_dir=data_dir)

        return make

    limits: dict[str, int] = {"most": config.max_scored, "window": config.window}

    def cut(text: str, name: str, notes: list[str]) -> Data:
        return cut_in_order(text, name, notes, held_out=(config.validation, config.test), **limits)

    def from_builder(builder: Any) -> Data:
        name = builder.info.full_name
        texts = text_from_builder(builder, config.text_feature)
        splits = {SPLIT_NAMES[split]: text for split, text in texts.items() if split in SPLIT_NAMES}
        if splits.keys() == {"train", "validation", "test"}:
            return as_splits(splits, name, [], **limits)
        return cut("\n".join(texts.values()), name, [])

    def from_files(path: Path) -> Data:
        text, notes = text_of(path, config.encoding)
        return cut(text, path.name, notes)

    readers = source.Readers(
        embedded={"embedded": embedded("whole"), "embedded/small": embedded("small")},
        from_builder=from_builder,
        from_files=from_files,
    )
    return source.load(config, readers)
