"""SavedModel -> .tflite, in every execution and precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from ...errors import ExportError, UserError
from ...ondevice.manifest import PRECISIONS
from ...ondevice.model import Stream
from ..packets import packets
from ..verify.error_trace import Trace, trace_error
from .calibration import Ranges, tensor_ranges
from .flatbuffer import spread
from .in_float import halved, stays_in_float
from .quantize import ACTIVATION_BITS, quantize_named
from .slim import slim

Examples = Sequence[Mapping[str, np.ndarray]]
"""Arrays by input name, one example each, batch of 1 included."""


def _dynamic_int8(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def convert(
    saved_model: Path,
    precision: str,
    execution: str = "loop",
    calibration: Examples = (),
    integer_io: bool = False,
) -> bytes:
    """Convert the SavedModel in folder `saved_model` (see `write_saved_model`); builtin TFLite ops only.

    Args:
        saved_model: written in `execution`.
        precision: one of `manifest.PRECISIONS`.
        execution: "loop", "unrolled", "fused" or "step".
        calibration: whole sequences, for int8 and int16x8.
        integer_io: integers in and out where these two have float32; states of a stream stay.

    Raises:
        UserError: no such precision, or one that has no integers to give.
        ExportError: this precision can't be had in this execution.
    """
    return Source(saved_model, execution, calibration).convert(precision, integer_io)


class Source:
    """A SavedModel to convert in several precisions: what they share is made once.

    Args: as for `convert`.
    """

    def __init__(self, saved_model: Path, execution: str = "loop", calibration: Examples = ()) -> None:
        self._folder, self._execution, self._calibration = saved_model, execution, calibration
        self._signature = "step" if execution == "step" else "serve"

    def convert(self, precision: str, integer_io: bool = False) -> bytes:
        """Return the file; see the function `convert`."""
        if precision not in PRECISIONS:
            raise UserError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
        check_integer_io(integer_io, [precision])
        if precision == "float32":
            return slim(self._exact)
        if precision == "float16":
            return slim(halved(self._exact))
        if precision == "dynamic_int8":
            return slim(self._converted(precision, _dynamic_int8))
        if self._execution == "fused":
            return slim(self._fused_integer(precision, integer_io))
        return slim(quantize_named(self._named, precision, self._ranges, self._signature, integer_io))

    def explain(self, precision: str) -> list[Trace]:
        """Say, for a precision that was quantized here, where its error enters; see `trace_error`."""
        if precision not in ACTIVATION_BITS or self._execution == "fused":
            return []
        quantized = quantize_named(self._named, precision, self._ranges, self._signature)
        return trace_error(self._named, quantized, next(iter(self._examples())), self._signature)

    @cached_property
    def _exact(self) -> bytes:
        return self._converted("float32", lambda converter: None)

    @cached_property
    def _named(self) -> bytes:
        return spread(self._exact)

    @cached_property
    def _ranges(self) -> Ranges:
        return tensor_ranges(self._named, self._examples(), self._signature)

    def _examples(self) -> Iterable[Mapping[str, np.ndarray]]:
        return _steps(self._exact, self._calibration) if self._execution == "step" else self._calibration

    def _converted(self, precision: str, settings: Callable[[tf.lite.TFLiteConverter], None]) -> bytes:
        keys = ["init", "step"] if self._execution == "step" else ["serve"]
        converter = tf.lite.TFLiteConverter.from_saved_model(str(self._folder), signature_keys=keys)
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

    def _fused_integer(self, precision: str, integer_io: bool) -> bytes:
        """Quantize TFLite's own LSTM operation, which the converter knows how to."""
        if precision != "int8":
            raise ExportError(f"{precision}: TFLite has no fused LSTM in it; loop, unrolled and step can")
        if not self._calibration:
            raise ExportError(f"{precision}: expected examples to calibrate on, got none")
        if stays_in_float(self._exact):
            raise ExportError(f"{precision}: fused has no spectrogram in float; loop, unrolled and step have")

        def settings(converter: tf.lite.TFLiteConverter) -> None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: iter(self._calibration)
            if integer_io:
                converter.inference_input_type = converter.inference_output_type = tf.int8

        return self._converted(precision, settings)


def check_integer_io(integer_io: bool, precisions: Iterable[str]) -> None:
    """Refuse integer inputs and outputs of files that compute in float32."""
    for precision in precisions if integer_io else ():
        if precision not in ACTIVATION_BITS:
            raise UserError(
                f"integer-io: expected a precision among {', '.join(ACTIVATION_BITS)}, got {precision}"
            )


def _steps(content: bytes, sequences: Examples) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield what each step of a float streaming model takes, states included, over whole sequences."""
    stream = Stream(content)
    for sequence in sequences:
        stream.reset()
        for inputs in packets(stream, sequence):
            yield {**inputs, **stream.state}
            stream(**inputs)
