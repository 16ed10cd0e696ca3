"""Reads captioned images: the embedded scenes, a TFDS set, or the user's own files.

Every input is uint8 (image_size, image_size, 3); every target is a tuple of captions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.data import source
from pipelines.data.examples import Data
from pipelines.data.image_files import Columns
from pipelines.data.image_sources import BuilderOptions, captioned_from_builder, captioned_from_files

from .config import CaptioningConfig


def load(config: CaptioningConfig) -> Data:
    """Return the images that `config.dataset` names, by split.

    Images that are missing or broken are left out, counted and named in the notes.

    Raises:
        UserError: one line, when the data set is unknown, can't be prepared, or has no captioned images.
    """

    def embedded(name: str) -> Any:
        def make(data_dir: str) -> Any:
            from .embedded.rendered_scenes import RenderedScenes

            return RenderedScenes(config=name, data_dir=data_dir)

        return make

    def from_builder(builder: Any) -> Data:
        options = BuilderOptions(config.image_feature, config.caption_feature, config.max_images)
        return captioned_from_builder(builder, config.image_size, options, seed=config.seed)

    def from_files(path: Path) -> Data:
        columns = Columns(config.image_column, config.caption_column, config.split_column)
        size, folder = config.image_size, config.image_dir
        return captioned_from_files(path, size, columns, image_dir=folder, seed=config.seed)

    readers = source.Readers(
        embedded={"embedded": embedded("full"), "embedded/small": embedded("small")},
        from_builder=from_builder,
        from_files=from_files,
    )
    return source.load(config, readers)
