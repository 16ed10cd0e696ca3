"""An LSTM over a sequence as TFLite's fused operation, UNIDIRECTIONAL_SEQUENCE_LSTM.

The converter finds a function with certain attributes and replaces it by this operation. The operation keeps
its state in variable tensors. The classic interpreter and TFLite Micro run it; LiteRT's CompiledModel and the
browser do not.
"""

from __future__ import annotations

import uuid

import tensorflow as tf

from .cells.base import Cell
from .scan import Masks
from .states import States


def fused_lstm(cell: Cell, x: tf.Tensor, state: States, *, path: str) -> tuple[tf.Tensor, States]:
    """Run an LSTM cell over x (steps, 1, features).

    Args:
        cell: a cell whose `unsupported_by_fused` is None.
        x: inputs for which `unsupported_call` is None.
        state: h and c before the first step, (1, units) each.
        path: the path of the layer, unique in the model.

    Returns:
        The outputs (steps, 1, units) and the last h and c. The last c is right in TensorFlow only: the
        TFLite operation does not return it.
    """
    weights = [tf.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel)]
    bias = tf.zeros([weights[0].shape[1]]) if cell.bias is None else tf.convert_to_tensor(cell.bias)
    # The converter finds the operation by these attributes. `api_implements` must be unique in the model.
    attributes = {
        "api_implements": f"lstm_{uuid.uuid5(uuid.NAMESPACE_OID, path)}",
        "api_preferred_device": "CPU",
        "time_major": True,
        "go_backwards": False,
    }
    run = tf.function(_lstm, autograph=False, experimental_attributes=attributes)
    _, outputs, _, c, _ = run(x, *state, *weights, bias)
    return outputs, (outputs[-1], c)


def unsupported_call(x: tf.Tensor, masks: Masks) -> str | None:
    """Return why TFLite's operation can't take inputs (steps, batch, features), or None if it can."""
    if masks.valid is not None:
        return "expected no mask"
    if x.shape[1] not in (1, None):  # None in the signature that Keras adds for TensorFlow
        return f"expected a batch of 1, got {x.shape[1]}"
    return None


def _lstm(
    x: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Compute the LSTM in plain operations, gate order i, f, g, o. The converter replaces this function."""

    def step(state: tuple[tf.Tensor, ...], x_t: tf.Tensor) -> tuple[tf.Tensor, ...]:
        h, c = state
        i, f, g, o = tf.split(tf.matmul(x_t, kernel) + tf.matmul(h, recurrent) + bias, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    outputs, cells = tf.scan(step, x, (h, c))
    return outputs[-1], outputs, outputs[-1], cells[-1], tf.constant(0.0)
