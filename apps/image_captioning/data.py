"""Reads captioned images: the embedded scenes, a TFDS set, or the user's own files.

Every input is uint8 (image_size, image_size, 3); every target is a tuple of captions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.data import source
from pipelines.data.caption_files import Columns
from pipelines.data.examples import Data
from pipelines.data.image_sources import BuilderOptions, captioned_from_builder, captioned_from_files

from .config import CaptioningConfig


def load(config: CaptioningConfig, as_given: bool = False) -> Data:
    """Return the images that `config.dataset` names, by split.

    Images that are missing or broken are left out, counted and named in the notes. With `as_given`, for data
    that is only scored, no split is required, nothing is held out, and `--image-dir` and `--max-images` of
    the training don't count.

    Raises:
        UserError: one line, when the data set is unknown, can't be prepared, or has no captioned images.
    """
    seed = None if as_given else config.seed

    def embedded(name: str) -> Any:
        def make(data_dir: str) -> Any:
            from .embedded.rendered_scenes import RenderedScenes

            return RenderedScenes(config=name, data_dir=data_dir)

        return make

    def from_builder(builder: Any) -> Data:
        most = None if as_given else config.max_images
        options = BuilderOptions(config.image_feature, config.caption_feature, most)
        return captioned_from_builder(builder, config.image_size, options, seed=seed)

    def from_files(path: Path) -> Data:
        columns = Columns(config.image_column, config.caption_column, config.split_column)
        size, folder = config.image_size, None if as_given else config.image_dir
        return captioned_from_files(path, size, columns, image_dir=folder, seed=seed)

    readers = source.Readers(
        embedded={"embedded": embedded("full"), "embedded/small": embedded("small")},
        from_builder=from_builder,
        from_files=from_files,
    )
    return source.load(config, readers)
