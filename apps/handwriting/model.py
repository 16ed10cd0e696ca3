"""The networks: one writes the next offset of the pen, the others read what was written.

    h1_t, w_t = window(RNN([x_t, w_(t-1)]), text)      given a text (`CharacterWindow`)
    h_t = RNN([x_t, h1_t, w_t])                        and so on for further layers
    mixture of Gaussians and pen = W h_t               (`StrokeMixture`)

Given a label, its vector is read at every step in place of the window. Without a window,

    p(drawing ends at t | pen is lifted at t) = sigmoid(v h_t + c)

Source: A. Graves, Generating
sequences with recurrent neural networks, 2013, sections 4 and 5.

    log p_t = log softmax(W RNN(x)_t)                  of characters and a blank, or p of labels

Networks that read skip padding, which is rows of zeros. All run step by step, but for those that read in both
directions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

import layers
from pipelines.data.examples import Features
from pipelines.ondevice.pen_mixture import columns
from pipelines.tasks.character_window import CharacterWindow
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.ctc_loss import CTCLoss
from pipelines.tasks.generation_decoder import ContextLayer
from pipelines.tasks.generation_layers import Columns, WithoutMask
from pipelines.tasks.stroke_mixture import StrokeLoss, StrokeMixture, end_loss

from .config import HandwritingConfig
from .rows import OFFSET

_SMOOTHING = 0.05


def build_model(config: HandwritingConfig, features: Features) -> keras.Model:
    """Return the network: rows (batch, steps, 3 + characters) -> what `config.answer` says.

    Of strokes and texts there is an answer for each step, of labels one for the whole drawing.
    """
    rows = keras.Input([None, features.inputs["train"].shape[2]], dtype="float32", name="rows")
    write = config.answer == "strokes"
    outputs = _writing(config, features, rows) if write else _reading(config, features, rows)
    return keras.Model(rows, outputs, name="handwriting")


def _writing(config: HandwritingConfig, features: Features, rows: Any) -> Any:
    """Return the mixture for the next offset at every step, and the places of the text or the end."""
    x = Columns(0, OFFSET, name="offsets")(rows)
    if config.given == "label":
        # Rounded, since a file of integers reads 36 as 35.999, which a cast would make 35.
        number = keras.ops.round(Columns(OFFSET, OFFSET + 1, squeeze=True, name="label")(rows))
        known = len(features.preprocessing["told_labels"])
        label = keras.layers.Embedding(1 + known, config.embedding, name="labels")(number)
        x = keras.layers.Concatenate(name="offsets_and_label")([x, label])
    first, beside = 1, None
    if config.given == "text":
        text = Text(OFFSET, name="text")(rows)
        symbols = 1 + len(features.preprocessing["alphabet"])
        window = CharacterWindow(
            config.cell, config.units, symbols, gaussians=config.window, name="recurrent_1"
        )
        written, seen, beside = window(x, text)
        written = keras.layers.Dropout(config.dropout, name="recurrent_1_dropout")(written)
        x = keras.layers.Concatenate(name="offsets_and_text")([x, written, seen])
        first = 2
    x = _recurrent(config, x, range(first, config.depth + 1))
    numbers = keras.layers.Dense(columns(config.mixtures), name="numbers")(x)
    mixture = StrokeMixture(name="mixture")(numbers)
    beside = keras.layers.Dense(1, name="end")(x) if beside is None else beside
    return Beside(name="mixture_and_more")(mixture, beside)


def _reading(config: HandwritingConfig, features: Features, rows: Any) -> Any:
    """Return log-probabilities of characters and a blank at each step, or once the labels' probabilities."""
    x = keras.layers.Masking(0.0, name="without_padding")(rows)
    if config.answer == "label":
        x = _recurrent(config, x, range(1, config.depth + 1), steps=False)
        return keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    x = _recurrent(config, x, range(1, config.depth + 1))
    x = WithoutMask(name="steps")(x)
    symbols = 1 + len(features.preprocessing["alphabet"])
    x = keras.layers.Dense(symbols, name="symbols")(x)
    return keras.layers.Activation("log_softmax", name="log_probabilities")(x)


def _recurrent(config: HandwritingConfig, x: Any, numbers: Iterable[int], *, steps: bool = True) -> Any:
    """Return what recurrent layers with dropout give: at each step, or after the last one."""
    numbers = list(numbers)
    for number in numbers:
        every = steps or number < numbers[-1]
        name = f"recurrent_{number}"
        layer = layers.by_name(config.cell)(config.units, return_sequences=every, name=name)
        x = (layers.Bidirectional(layer, name=f"{name}_both") if config.bidirectional else layer)(x)
        x = keras.layers.Dropout(config.dropout, name=f"{name}_dropout")(x)
    return x


def make_loss(config: HandwritingConfig) -> keras.losses.Loss:
    """Return the loss of what the network answers with."""
    if config.answer == "strokes":
        return MixtureLoss(columns(config.mixtures), ends=config.given != "text")
    return CTCLoss() if config.answer == "text" else SmoothedCrossEntropy(_SMOOTHING)


@keras.saving.register_keras_serializable("unrolled")
class MixtureLoss(StrokeLoss):
    """The loss of the mixture, which is the first columns of the outputs, and of the end behind it.

    Args:
        size: the number of columns of the mixture.
        ends: whether the column behind them is the logit of the end (see `end_loss`).
    """

    def __init__(self, size: int, ends: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.ends = size, ends

    def call(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss, a scalar."""
        loss = super().call(targets[..., :OFFSET], outputs[..., : self.size])
        return loss + end_loss(targets, outputs[..., self.size]) if self.ends else loss

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"size": self.size, "ends": self.ends}


@keras.saving.register_keras_serializable("unrolled")
class Beside(ContextLayer):
    """Puts the text's places or the end behind the mixture: a deployed network has one output.

    Call arguments: `mixture` (batch, steps, 6 M + 1), `more` (batch, steps, characters or 1).
    Returns: (batch, steps, 6 M + 1 + characters or 1).
    """

    def call(self, mixture: tf.Tensor, more: tf.Tensor) -> tf.Tensor:
        """Return both; in float32, since one scale would not suit both."""
        with tf.name_scope(layers.IN_FLOAT):
            return tf.concat([mixture, more], axis=-1)

    def compute_output_shape(self, mixture_shape: Any, more_shape: Any) -> Any:
        """Return the shape of what `call` returns."""
        return (*mixture_shape[:2], mixture_shape[2] + more_shape[2])


@keras.saving.register_keras_serializable("unrolled")
class Text(ContextLayer):
    """Returns the text that is in every row, (batch, characters) int32. Can run step by step.

    Args:
        start: the columns before it.

    Call arguments: `rows` (batch, steps, start + characters).
    """

    def __init__(self, start: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the text of the first row."""
        # Rounded for files of integers, as the label is.
        return tf.cast(tf.round(rows[:, 0, self.start :]), tf.int32)

    def compute_output_spec(self, rows: Any) -> keras.KerasTensor:
        """Return shape and dtype of what `call` returns."""
        return keras.KerasTensor((rows.shape[0], rows.shape[2] - self.start), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"start": self.start}
