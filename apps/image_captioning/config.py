"""Settings and presets of the image captioning app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import COMMON_SPACE, Cell, Config, Range, require, require_at_least, require_rates

Encoder = Literal["small", "mobilenet_v3_small", "efficientnet_v2_b0"]
EncoderWeights = Literal["none", "imagenet"]


@dataclass(frozen=True)
class CaptioningConfig(Config):
    """Settings of the data, the training images, the encoder and the decoder."""

    image_size: int = 96
    """Pixels of an image in the network, each way; images that are not square are padded."""
    image_feature: str | None = None
    """The image feature of a TFDS data set that has several."""
    caption_feature: str = "captions"
    """The feature of a TFDS data set that holds the captions."""
    max_images: int | None = None
    """Read only this many images of each split of a TFDS data set. Default: all."""
    image_column: str = "image"
    """The field of your JSONL, JSON or CSV file with the path of the image, relative to the folder of the
    file."""
    caption_column: str = "captions"
    """The field of your JSONL, JSON or CSV file with the caption or the list of captions."""
    split_column: str = "split"
    """The field of your JSONL, JSON or CSV file with the split; images without it are training images."""
    image_dir: str | None = None
    """The folder of your images. Default: the folder of the file that lists them, or a folder in it."""
    min_count: int = 2
    """Words that occur less often than this in the training captions are unknown."""
    max_words: int | None = None
    """Maximum number of words of a caption. Default: enough for 99 % of the training captions, at most 40."""
    captions_per_image: int = 2
    """Captions of each image in a training step. More than one saves passes through the encoder."""
    shift: float = 0.06
    """Shift training images at random by up to this share of their size."""
    zoom: float = 0.1
    """Enlarge or shrink training images at random by up to this share."""
    rotation: float = 0.0
    """Rotate training images at random by up to this many degrees."""
    mirror: bool = False
    """Mirror half of the training images; don't use it where captions mention left or right."""
    brightness: float = 0.0
    """Change the brightness of each colour channel at random by up to this share."""
    encoder: Encoder = "small"
    """The image encoder: a small residual network, or a network of keras.applications."""
    encoder_weights: EncoderWeights = "none"
    """Initial weights of a network of keras.applications; imagenet is downloaded."""
    frozen_epochs: int = 0
    """Freeze the encoder for this many epochs, then train it with the rest."""
    width: int = 24
    """Channels of the first convolution of the small encoder; they double with each halving of the image."""
    halvings: int = 3
    """How often the small encoder halves the image: 3 times leaves 12 x 12 places of 96 x 96 pixels."""
    encoder_dropout: float = 0.1
    """Dropout rate of the encoder's features."""
    cell: Cell = "gru"
    """The recurrent cell of the decoder."""
    units: int = 192
    """Units of each of the decoder's two recurrent layers, and number of features of each place."""
    embedding: int = 64
    """Size of the vector of a word."""
    attention_units: int = 64
    """Units of the hidden layer of the attention."""
    dropout: float = 0.2
    """Dropout rate in the decoder."""
    attention_guidance: float = 0.3
    """Weight of the loss that draws the attention to the places where the encoder detects the next word."""
    attention_regularization: float = 0.0
    """Weight of the loss that makes the attention to each place sum to 1 over a caption (doubly stochastic
    attention)."""
    word_spotting: float = 0.1
    """Weight of the loss that trains the encoder to predict the words of the captions."""
    label_smoothing: float = 0.05
    """Probability that the loss spreads evenly over all words."""
    scheduled_sampling: float = 0.0
    """Share of the words that the decoder reads from its own predictions in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "max_images", "max_words", "min_count", "captions_per_image")
        require_at_least(self, 1, "width", "units", "embedding", "attention_units")
        require_at_least(self, 0, "attention_guidance", "attention_regularization", "word_spotting")
        require_rates(self, "encoder_dropout", "dropout", "label_smoothing", "scheduled_sampling")
        for name in ("shift", "zoom", "brightness"):
            require(0 <= getattr(self, name) < 1, name, "0 <= share < 1", getattr(self, name))
        require(0 <= self.rotation <= 180, "rotation", "0 to 180", self.rotation)
        within = 0 <= self.frozen_epochs < self.epochs
        require(within, "frozen_epochs", "0 or more, below --epochs", self.frozen_epochs)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)
        smallest = 16 if self.encoder == "small" else 32
        require(self.image_size >= smallest, "image_size", f"at least {smallest}", self.image_size)
        most = self.image_size.bit_length() - 2
        require(1 <= self.halvings <= most, "halvings", f"1 to {most}", self.halvings)
        plain = self.encoder != "small" or self.encoder_weights == "none"
        require(plain, "encoder_weights", "none for the small encoder", self.encoder_weights)

    @property
    def network(self) -> str:
        """The encoder, if it isn't the small one, and the decoder's cell."""
        decoder = f"{self.cell} {self.units}"
        return decoder if self.encoder == "small" else f"{self.encoder}, {decoder}"


_FULL = CaptioningConfig(
    halvings=4,
    epochs=28,
    batch_size=16,
    learning_rate=2e-3,
    weight_decay=1e-4,
    clip_norm=5.0,
    patience=28,
)

SPACE = {
    **COMMON_SPACE,
    "cell": ("gru", "lstm"),
    "units": Range(8, 256, logarithmic=True),
    "width": Range(4, 32),
    "halvings": Range(2, 4),
    "embedding": Range(8, 128, logarithmic=True),
    "attention_units": Range(8, 128, logarithmic=True),
    "dropout": Range(0.0, 0.6),
}
"""What `sweep` varies."""
PRESETS = {
    # The embedded scenes. The receptive field of each of the 6 x 6 places is nearly the whole image, so its
    # features can hold counts and relations.
    "default": replace(_FULL, width=12, units=112, learning_rate=2.5e-3, epochs=10, patience=10),
    # The same, trained twice as long: half an hour on 2 cores. The network that is shipped.
    "medium": replace(_FULL, width=12, units=112, epochs=20, patience=20),
    # The same with four times the parameters: three quarters of an hour on 2 cores.
    "full": _FULL,
    # Aerial images such as UCM-Captions (--dataset captions.jsonl), trained from scratch: there are few
    # images, and they have no fixed orientation. Half an hour on 2 cores.
    "aerial": replace(
        _FULL,
        shift=0.1,
        zoom=0.25,
        rotation=180.0,
        mirror=True,
        brightness=0.2,
        dropout=0.4,
        epochs=90,
        patience=90,
    ),
    # Runs the whole pipeline in a minute; its captions are meaningless.
    "smoke": CaptioningConfig(
        precisions=("float32", "int8"),
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
