"""An LSTM over a sequence as the one operation that TFLite has for it, UNIDIRECTIONAL_SEQUENCE_LSTM.

The converter looks for a function with certain attributes and puts its own operation in the function's place.
That operation keeps its state in variable tensors: the classic interpreter and TFLite Micro run it, LiteRT's
CompiledModel and the browser do not.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from .scan import Masks, States

if TYPE_CHECKING:
    from .recurrent import Recurrent


def fused_lstm(layer: Recurrent, x: tf.Tensor, state: States, masks: Masks) -> tuple[tf.Tensor, States]:
    """Run `layer` over x (steps, 1, features): outputs (steps, 1, units), last states.

    The last c is right in TensorFlow only: the TFLite operation does not hand it out.

    Raises:
        ValueError: TFLite's operation can't compute this layer; the message says why.
    """
    if reason := why_not_fused(layer) or _why_not_now(masks, x):
        raise ValueError(f"{layer.name}: execution 'fused': {reason}; 'loop' can")
    cell = layer.cell
    weights = [tf.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel)]
    bias = tf.zeros([weights[0].shape[1]]) if cell.bias is None else tf.convert_to_tensor(cell.bias)
    # The operation is known by this name, which no other may have, and by these attributes.
    attributes = {
        "api_implements": f"lstm_{uuid.uuid5(uuid.NAMESPACE_OID, layer.path)}",
        "api_preferred_device": "CPU",
        "time_major": True,
        "go_backwards": False,
    }
    run = tf.function(_lstm, autograph=False, experimental_attributes=attributes)
    _, outputs, _, c, _ = run(x, *state, *weights, bias)
    return outputs, (outputs[-1], c)


def why_not_fused(layer: Recurrent) -> str | None:
    """Return why TFLite's operation can't compute `layer`, or None if it can."""
    from .cells.lstm import LSTMCell

    cell = layer.cell
    if type(cell) is not LSTMCell:
        return f"expected an LSTM, got a {type(cell).__name__}"
    for name in ("peepholes", "projection", "layer_normalization"):
        if getattr(cell, name):
            return f"expected an LSTM without {name}"
    expected = keras.activations.tanh, keras.activations.sigmoid
    if (cell.activation, cell.recurrent_activation) != expected:
        return "expected the activations tanh and sigmoid"
    if any(cell.zoneout_rates):
        return "expected no zoneout"
    if layer.return_state or layer.stateful:
        return "expected a layer that neither returns nor carries its state"
    return None


def _why_not_now(masks: Masks, x: tf.Tensor) -> str | None:
    if masks.valid is not None:
        return "expected no mask"
    if x.shape[1] not in (1, None):  # unknown in the signature that Keras adds for TensorFlow
        return f"expected a batch of 1, got {x.shape[1]}"
    return None


def _lstm(
    x: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """The LSTM in plain operations, gate order i, f, g, o: what TensorFlow runs, and what is replaced."""

    def step(state: tuple[tf.Tensor, ...], x_t: tf.Tensor) -> tuple[tf.Tensor, ...]:
        h, c = state
        i, f, g, o = tf.split(tf.matmul(x_t, kernel) + tf.matmul(h, recurrent) + bias, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    outputs, cells = tf.scan(step, x, (h, c))
    return outputs[-1], outputs, outputs[-1], cells[-1], tf.constant(0.0)
