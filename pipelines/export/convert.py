"""SavedModel -> .tflite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from ..errors import UserError
from . import ExportError


def _dynamic_int8(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


CONVERSIONS: dict[str, Callable[[tf.lite.TFLiteConverter], None]] = {
    "float32": lambda converter: None,
    "float16": _float16,
    "dynamic_int8": _dynamic_int8,
}
"""What each precision asks of the converter. float16: weights are stored in half the bytes and computed
with in float32. dynamic_int8: weights in 8 bits, activations quantized at run time, float in and out."""


def convert(saved_model: Path, precision: str) -> bytes:
    """Convert the signature `serve` of the SavedModel in folder `saved_model`; builtin TFLite ops only.

    Raises:
        UserError: no such precision.
        ExportError: the converter refuses.
    """
    if precision not in CONVERSIONS:
        raise UserError(f"unknown precision {precision!r}: expected one of {', '.join(CONVERSIONS)}")
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serve"])
    # Else each step of a loop copies the whole output sequence in pieces: 3 times the time at 400 steps.
    converter._experimental_enable_dynamic_update_slice = True
    CONVERSIONS[precision](converter)
    try:
        return converter.convert()
    except Exception as error:  # the converter raises whatever the pass that failed raises
        reason = str(error).strip() or type(error).__name__
        raise ExportError(f"{precision}: does not convert: {reason.splitlines()[0]}") from error
