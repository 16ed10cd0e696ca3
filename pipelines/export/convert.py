"""SavedModel -> .tflite, in every execution and precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ..errors import UserError
from ..ondevice import Stream
from . import ExportError
from .error_trace import Trace, trace_error
from .flatbuffer import slim, spread
from .quantize import ACTIVATION_BITS, quantize, quantize_named

Examples = Sequence[Mapping[str, np.ndarray]]
"""Arrays by input name, one example each, batch of 1 included."""


def _dynamic_int8(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


_BY_THE_CONVERTER: dict[str, Callable[[tf.lite.TFLiteConverter], None]] = {
    "float32": lambda converter: None,
    "float16": _float16,
    "dynamic_int8": _dynamic_int8,
}
PRECISIONS = (*_BY_THE_CONVERTER, *ACTIVATION_BITS)
"""float16: weights are stored in half the bytes and computed with in float32. dynamic_int8: weights in 8
bits, activations quantized at run time. int8, int16x8: weights in 8 bits, activations in 8 or 16, by ranges
measured on examples; float in and out, and in what a loop carries."""


def convert(saved_model: Path, precision: str, execution: str = "loop", calibration: Examples = ()) -> bytes:
    """Convert the SavedModel in folder `saved_model` (see `write_saved_model`); builtin TFLite ops only.

    Args:
        saved_model: written in `execution`.
        precision: one of `PRECISIONS`.
        execution: "loop", "unrolled", "fused" or "step".
        calibration: whole sequences, for int8 and int16x8.

    Raises:
        UserError: no such precision.
        ExportError: this precision can't be had in this execution.
    """
    if precision not in PRECISIONS:
        raise UserError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if precision in _BY_THE_CONVERTER:
        content = _converted(saved_model, precision, execution, _BY_THE_CONVERTER[precision])
        return slim(content)
    if execution == "fused":
        return slim(_fused_integer(saved_model, precision, calibration))
    content = _converted(saved_model, "float32", execution, _BY_THE_CONVERTER["float32"])
    if execution == "step":
        return quantize(content, precision, _steps(content, calibration), "step")
    return quantize(content, precision, calibration)


def explain(saved_model: Path, precision: str, execution: str, calibration: Examples) -> list[Trace]:
    """Say, for a precision that was quantized here, where its error enters; see `trace_error`."""
    if precision not in ACTIVATION_BITS or execution == "fused":
        return []
    exact = spread(_converted(saved_model, "float32", execution, _BY_THE_CONVERTER["float32"]))
    signature = "step" if execution == "step" else "serve"
    examples = list(_steps(exact, calibration)) if execution == "step" else calibration
    return trace_error(exact, quantize_named(exact, precision, examples, signature), examples[0], signature)


def _converted(
    saved_model: Path, precision: str, execution: str, settings: Callable[[tf.lite.TFLiteConverter], None]
) -> bytes:
    keys = ["init", "step"] if execution == "step" else ["serve"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=keys)
    # Else each step of a loop copies the whole output sequence in pieces: 3 times the time at 400 steps.
    converter._experimental_enable_dynamic_update_slice = True
    settings(converter)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the interpreter that its calibration uses
            return converter.convert()
    except Exception as error:  # the converter raises whatever the pass that failed raises
        reason = str(error).strip() or type(error).__name__
        raise ExportError(f"{precision}: does not convert: {reason.splitlines()[0]}") from error


def _fused_integer(saved_model: Path, precision: str, calibration: Examples) -> bytes:
    """Quantize TFLite's own LSTM operation, which the converter knows how to."""
    if precision != "int8":
        raise ExportError(f"{precision}: TFLite has no fused LSTM in it; loop, unrolled and step can")
    if not calibration:
        raise ExportError(f"{precision}: expected examples to calibrate on, got none")

    def settings(converter: tf.lite.TFLiteConverter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(calibration)

    return _converted(saved_model, precision, "fused", settings)


def _steps(content: bytes, sequences: Examples) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield what each step of a float streaming model takes, states included, over whole sequences."""
    stream = Stream(content)
    for sequence in sequences:
        stream.reset()
        for t in range(next(iter(sequence.values())).shape[1]):
            inputs = {name: array[:, t : t + 1] for name, array in sequence.items()}
            yield {**inputs, **stream.state}
            stream(**inputs)
