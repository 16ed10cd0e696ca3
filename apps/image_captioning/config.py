"""The settings of the captioning app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.config import Config, require

Cell = Literal["simple_rnn", "lstm", "gru"]
Encoder = Literal["small", "mobilenet_v3_small", "efficientnet_v2_b0"]
EncoderWeights = Literal["none", "imagenet"]


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
    captions_per_image: int = 2
    """Captions of each picture that a training step reads: more text for the same work on pictures."""
    shift: float = 0.06
    """Training pictures are moved by up to this share of their size, anew in each epoch."""
    zoom: float = 0.1
    """They are made larger or smaller by up to this share."""
    rotation: float = 0.0
    """They are turned by up to so many degrees."""
    mirror: bool = False
    """They are mirrored, half of them: only where left and right are not spoken of."""
    brightness: float = 0.0
    """The brightness of each colour channel changes by up to this share."""
    encoder: Encoder = "small"
    """What reads the picture: a small residual network, or one of keras.applications."""
    encoder_weights: EncoderWeights = "none"
    """What one of keras.applications starts from; imagenet is downloaded."""
    frozen_epochs: int = 0
    """In the first so many epochs the encoder stays as it is; then it is trained with the rest."""
    width: int = 24
    """Of the small encoder: channels of its first convolution, doubled with every halving of the picture."""
    halvings: int = 3
    """Of the small encoder: 3 give 12 x 12 places of a picture of 96 x 96 pixels, 4 give 6 x 6."""
    encoder_dropout: float = 0.1
    """Fraction of the encoder's features dropped in training."""
    cell: Cell = "gru"
    """The recurrent cell of the decoder."""
    units: int = 192
    """Of each of the decoder's two recurrent layers, and of a place's features."""
    embedding: int = 64
    """Size of a word's vector."""
    attention_units: int = 64
    """Of the hidden layer that scores the places."""
    dropout: float = 0.2
    """Fraction of the decoder's vectors dropped in training."""
    attention_guidance: float = 0.3
    """Weight of the loss by which the decoder learns to look where the next word was spotted."""
    attention_regularization: float = 0.0
    """Weight of the pull that every place is looked at once in a sentence (doubly stochastic attention)."""
    word_spotting: float = 0.1
    """Weight of the loss by which the encoder learns the captions' words directly."""
    label_smoothing: float = 0.05
    """Probability that the loss gives to all words alike."""
    scheduled_sampling: float = 0.0
    """Share of the words read in training that the network itself has put there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_images", "max_words"):
            value = getattr(self, name)
            require(value is None or value >= 1, name, "at least 1", value)
        sizes = ("min_count", "captions_per_image", "width", "units", "embedding", "attention_units")
        for name in sizes:
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("encoder_dropout", "dropout", "label_smoothing", "scheduled_sampling"):
            require(0 <= getattr(self, name) < 1, name, "0 <= rate < 1", getattr(self, name))
        for name in ("shift", "zoom", "brightness"):
            require(0 <= getattr(self, name) < 1, name, "0 <= share < 1", getattr(self, name))
        require(0 <= self.rotation <= 180, "rotation", "0 to 180", self.rotation)
        within = 0 <= self.frozen_epochs < self.epochs
        require(within, "frozen_epochs", "0 or more, below --epochs", self.frozen_epochs)
        for name in ("attention_guidance", "attention_regularization", "word_spotting"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)
        smallest = 16 if self.encoder == "small" else 32
        require(self.image_size >= smallest, "image_size", f"at least {smallest}", self.image_size)
        most = self.image_size.bit_length() - 2
        require(1 <= self.halvings <= most, "halvings", f"1 to {most}", self.halvings)
        plain = self.encoder != "small" or self.encoder_weights == "none"
        require(plain, "encoder_weights", "none for the small encoder", self.encoder_weights)


PRESETS = {
    # The embedded, drawn scenes: half an hour on 2 cores. Each of the 6 x 6 places sees nearly the whole
    # picture, so that counts and relations are in its features.
    "default": CaptioningConfig(
        halvings=4,
        epochs=28,
        batch_size=16,
        learning_rate=2e-3,
        weight_decay=1e-4,
        clip_norm=5.0,
        patience=28,
    ),
    # Pictures from above, such as UCM-Captions (--dataset captions.jsonl), from scratch: few pictures, seen
    # from every side. Half an hour on 2 cores.
    "aerial": CaptioningConfig(
        image_size=96,
        shift=0.1,
        zoom=0.25,
        rotation=180.0,
        mirror=True,
        brightness=0.2,
        halvings=4,
        dropout=0.4,
        epochs=90,
        patience=90,
        batch_size=16,
        learning_rate=2e-3,
        weight_decay=1e-4,
        clip_norm=5.0,
    ),
    # A look at the whole road in a minute; its captions mean nothing.
    "smoke": CaptioningConfig(
        dataset="embedded/small",
        image_size=32,
        epochs=1,
        batch_size=16,
        width=8,
        halvings=2,
        units=16,
        embedding=8,
        attention_units=8,
        learning_rate=5e-3,
        max_words=11,
    ),
}
