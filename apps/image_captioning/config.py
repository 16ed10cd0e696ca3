"""The settings of the captioning app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.config import Config, require


@dataclass(frozen=True)
class CaptioningConfig(Config):
    """A picture in, a sentence out. The defaults are those of the embedded, drawn scenes."""

    image_size: int = 96
    """Pixels of a picture as the network sees it, each way; what is not square is padded."""
    image_feature: str | None = None
    """Of a TFDS set with several images an example: the one to describe."""
    caption_feature: str = "captions"
    """Of a TFDS set: the feature with the captions."""
    max_images: int | None = None
    """Of a TFDS set: read so many images of each split, its first ones. Default: all."""
    image_column: str = "image"
    """Of your JSONL file: the field with the image's path, from the file's folder."""
    caption_column: str = "captions"
    """Of your JSONL file: the field with the caption or the list of captions."""
    split_column: str = "split"
    """Of your JSONL file: the field with the split; without it all images are training images."""
    image_dir: str | None = None
    """The folder of your images. Default: that of the file which names them, or one in it that has them."""
    min_count: int = 2
    """A word seen less often than this in the training captions is unknown."""
    max_words: int | None = None
    """Words kept of a caption. Default: what 99 of 100 training captions need, 40 at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_images", "max_words"):
            value = getattr(self, name)
            require(value is None or value >= 1, name, "at least 1", value)
        require(self.min_count >= 1, "min_count", "at least 1", self.min_count)
        require(self.image_size >= 16, "image_size", "at least 16", self.image_size)
