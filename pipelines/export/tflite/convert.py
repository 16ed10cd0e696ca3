"""Converts a SavedModel to a .tflite file, in every execution and precision.

Each file is parsed once, changed by the passes in `passes/`, and packed once.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import ExportError, UserError
from ...ondevice.manifest import ACTIVATION_BITS, EXECUTIONS, PRECISIONS
from ...ondevice.model import Stream
from ...ondevice.native_messages import held_back
from ..packets import packets
from ..verify.error_trace import Trace, trace_error
from .clean_up import clean_up
from .flatbuffer import pack, parse
from .float_scope import has_float_scope
from .four_bits import FourBitQuantizer
from .passes.scales_of_fused_lstm import scales_of_fused_lstm
from .passes.start_fused_lstm_from_zeros import start_fused_lstm_from_zeros
from .passes.start_loops_from_filled_zeros import start_loops_from_filled_zeros
from .passes.weights_to_float16 import weights_to_float16
from .quantize import StaticQuantizer

Examples = Sequence[Mapping[str, np.ndarray]]
"""Arrays by input name, one example each, with a batch dimension of 1."""

_LACKING = re.compile(r"^(?:TF Select|Custom) ops: (.+)$", re.MULTILINE)
"""What the converter says of operations that only TensorFlow has."""
_NOT_FUSED = " or ".join(each for each in EXECUTIONS if each != "fused")
_NO_FUSED = f"TFLite has no fused LSTM in this precision; use {_NOT_FUSED}"


def convert(
    saved_model: Path,
    precision: str,
    execution: str = "loop",
    calibration: Examples = (),
    *,
    integer_io: bool = False,
) -> bytes:
    """Return a SavedModel as a .tflite file.

    Args:
        saved_model: a folder that `write_saved_model` wrote in `execution`.
        precision: one of `manifest.PRECISIONS`.
        execution: one of `manifest.EXECUTIONS`.
        calibration: whole sequences, one example each; needed for int8 and int16x8. The weights of int4 are
            rounded for them, if there are any.
        integer_io: make float32 inputs and outputs integers (int8 and int16x8 only). A stream's states stay
        float32.

    Raises:
        UserError: an unknown precision, or integer_io with a precision that has no integer activations.
        ExportError: the model can't be converted to this precision in this execution.
    """
    return Source(saved_model, execution, calibration).convert(precision, integer_io=integer_io)


class Source:
    """A SavedModel to convert to several precisions; work that they share is done once.

    Args:
        saved_model: a folder that `write_saved_model` wrote in `execution`.
        execution: one of `manifest.EXECUTIONS`.
        calibration: whole sequences, one example each; needed for int8 and int16x8.
        random: whether the calibration is made up; weights of int4 are then not rounded for it.
    """

    def __init__(
        self,
        saved_model: Path,
        execution: str = "loop",
        calibration: Examples = (),
        *,
        random: bool = False,
    ) -> None:
        self._folder, self.execution, self._calibration = saved_model, execution, calibration
        self._random = random
        self._signature = "step" if execution == "step" else "serve"

    def convert(self, precision: str, *, integer_io: bool = False) -> bytes:
        """Return the .tflite file.

        Args:
            precision: one of `manifest.PRECISIONS`.
            integer_io: make float32 inputs and outputs integers (int8 and int16x8 only); a stream's
                states stay float32.

        Raises:
            UserError: an unknown precision, or integer_io with a precision that has no integer activations.
            ExportError: the model can't be converted to this precision in this execution.
        """
        if precision not in PRECISIONS:
            raise UserError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
        if integer_io:
            check_integer_io([precision])
        model = self._model(precision, integer_io=integer_io)
        start_fused_lstm_from_zeros(model)
        start_loops_from_filled_zeros(model)
        clean_up(model)
        return pack(model)

    def explain(self, precision: str) -> list[Trace]:
        """Return the error of each tensor of a quantised file.

        Args:
            precision: one of `manifest.PRECISIONS`.

        Returns:
            The traces of `trace_error` for the first calibration example. The list is empty for files that
            TensorFlow's converter quantises, since their tensors can't be matched.
        """
        if precision == "int4":
            float_model, quantized = self._four_bits.float_model, self._four_bits.quantize()
        elif self._is_quantized_here(precision):
            float_model, quantized = self._quantizer.float_model, self._quantizer.quantize(precision)
        else:
            return []
        return trace_error(float_model, quantized, next(iter(self._examples())), self._signature)

    def quantized(self, precision: str) -> tuple[Any, Any, Iterable[Mapping[str, np.ndarray]]]:
        """Return the parsed float32 model, the integer model with the same names, and inputs of a call each.

        Args:
            precision: int8 or int16x8, in any execution but "fused".

        Raises:
            ExportError: the model can't be quantised.
        """
        return self._quantizer.float_model, self._quantizer.quantize(precision), self._examples()

    def _model(self, precision: str, *, integer_io: bool) -> Any:
        """Return the parsed model in `precision`, before it is cleaned up."""
        if precision == "int4":
            return self._four_bits.quantize()
        if self._is_quantized_here(precision):
            return self._quantizer.quantize(precision, integer_io=integer_io)
        if precision in ACTIVATION_BITS:
            model = parse(self._fused_integer(precision, integer_io=integer_io))
            scales_of_fused_lstm(model)
            return model
        if precision == "dynamic_int8":
            return parse(self._converted(precision, _quantize_weights))
        model = parse(self._float32)
        if precision == "float16":
            weights_to_float16(model)
        return model

    def _is_quantized_here(self, precision: str) -> bool:
        return precision in ACTIVATION_BITS and self.execution != "fused"

    @cached_property
    def _float32(self) -> bytes:
        """The float32 file, as the converter writes it."""
        return self._converted("float32", lambda converter: None)

    @cached_property
    def _quantizer(self) -> StaticQuantizer:
        return StaticQuantizer(self._float32, self._examples, self._signature)

    @cached_property
    def _four_bits(self) -> FourBitQuantizer:
        if self.execution == "fused":
            raise ExportError(f"int4: {_NO_FUSED}")
        examples = (lambda: ()) if self._random else self._examples
        return FourBitQuantizer(self._float32, examples, self._signature)

    def _examples(self) -> Iterable[Mapping[str, np.ndarray]]:
        return _steps(self._float32, self._calibration) if self.execution == "step" else self._calibration

    def _converted(self, precision: str, settings: Callable[[tf.lite.TFLiteConverter], None]) -> bytes:
        keys = ["init", "step"] if self.execution == "step" else ["serve"]
        converter = tf.lite.TFLiteConverter.from_saved_model(str(self._folder), signature_keys=keys)
        # Without this, each step of a loop copies the whole output sequence: 3 times as slow at 400 steps.
        converter._experimental_enable_dynamic_update_slice = True
        settings(converter)
        with held_back(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter warns about its own calibration
            try:
                return converter.convert()
            except Exception as error:  # the converter raises the failed pass's own type
                failed = error
        raise ExportError(f"{precision}: {_reason(failed)}") from failed

    def _fused_integer(self, precision: str, *, integer_io: bool) -> bytes:
        """Return a file with TFLite's own LSTM op in integers, which only the converter can quantise."""
        if precision != "int8":
            raise ExportError(f"{precision}: {_NO_FUSED}")
        if not self._calibration:
            raise ExportError(f"{precision}: expected examples to calibrate on, got none")
        if has_float_scope(self._float32):
            raise ExportError(f"{precision}: fused can't keep a spectrogram in float32; use {_NOT_FUSED}")

        def settings(converter: tf.lite.TFLiteConverter) -> None:
            _quantize_weights(converter)
            converter.representative_dataset = lambda: iter(self._calibration)
            if integer_io:
                converter.inference_input_type = converter.inference_output_type = tf.int8

        return self._converted(precision, settings)


def check_integer_io(precisions: Iterable[str]) -> None:
    """Check that files in these precisions can have integer inputs and outputs.

    Raises:
        UserError: one of the precisions has float32 activations.
    """
    for precision in precisions:
        if precision not in ACTIVATION_BITS:
            raise UserError(
                f"integer-io: expected a precision among {', '.join(ACTIVATION_BITS)}, got {precision}"
            )


def _reason(failed: Exception) -> str:
    """Return why the converter failed: the operations that TFLite lacks, or else the first line."""
    text = str(failed).strip() or type(failed).__name__
    lacking = [name for line in _LACKING.findall(text) for name in line.split(", ")]
    if lacking:
        return f"needs operations that TFLite has not: {', '.join(sorted(set(lacking)))}"
    return f"does not convert: {text.splitlines()[0]}"


def _quantize_weights(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _steps(content: bytes, sequences: Examples) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield the inputs of each step of a float32 streaming model, states included, over whole sequences."""
    stream = Stream(content)
    for sequence in sequences:
        stream.reset()
        for inputs in packets(stream, sequence):
            yield {**inputs, **stream.state}
            stream(**inputs)
