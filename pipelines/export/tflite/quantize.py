"""Quantises float32 models, loops included: weights to 8 bits, activations to 8 (int8) or 16 bits (int16x8).

A quantised value x is stored as an integer q with x = scale * (q - zero point). `calibration` measures the
range of each tensor, and ai-edge-quantizer writes the integer model from these ranges. The variables of
a loop stay float32, and so does what its body computes beside products with weights, so that states keep
their precision over the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.quantizer import Quantizer

from ...errors import ExportError
from ...ondevice.manifest import ACTIVATION_BITS
from .calibration import Ranges, calibrate
from .clean_up import clean_up
from .flatbuffer import pack, parse
from .keep_in_float import keep_in_float
from .passes.bypass_dequantize import bypass_dequantize
from .passes.disable_power_of_two_scales import disable_power_of_two_scales
from .passes.integer_io import integer_io as make_io_integer
from .passes.restore_output_types import restore_output_types
from .passes.sum_in_32_bits import sum_in_32_bits
from .passes.widen_small_filters import widen_small_filters
from .quantizer_tool import prepare, quantized
from .range_floors import with_floors

Examples = Iterable[Mapping[str, np.ndarray]]
"""Arrays by input name, one example each, with a batch dimension of 1."""

_HEADROOM = {8: 1.0, 16: 1.5}
"""How much wider than measured a range is, by the bits of activations. A number beyond its range is cut off,
and one such number may spoil an answer. 16 bits are so many that coarser steps cost nothing; 8 are not."""


def quantize(
    content: bytes, precision: str, examples: Examples, signature: str = "serve", *, integer_io: bool = False
) -> bytes:
    """Return a float32 .tflite file in int8 or int16x8, calibrated on examples.

    Args:
        content: a float32 .tflite file.
        precision: int8 or int16x8.
        examples: arrays by input name, of the shapes that the signature has.
        signature: the name of the signature to calibrate.
        integer_io: make the signature's float32 inputs and outputs integers. States stay float32.

    Raises:
        ExportError: there are no examples, or ai-edge-quantizer refuses the model.
    """
    model = StaticQuantizer(content, lambda: examples, signature).quantize(precision, integer_io=integer_io)
    clean_up(model)
    return pack(model)


class StaticQuantizer:
    """A float32 model that can be quantised to several precisions; it is parsed and calibrated once.

    Args:
        content: a float32 .tflite file.
        examples: called once, when calibration starts; returns arrays by input name.
        signature: the name of the signature to calibrate.
    """

    def __init__(self, content: bytes, examples: Callable[[], Examples], signature: str) -> None:
        self._content, self._examples, self._signature = content, examples, signature

    @cached_property
    def float_model(self) -> Any:
        """The parsed float32 model, with unique tensor names and a buffer for each constant."""
        model = parse(self._content)
        prepare(model)
        return model

    def quantize(self, precision: str, *, integer_io: bool = False) -> Any:
        """Return a new parsed model. It is not cleaned up yet, so its tensors keep their names.

        Args:
            precision: int8 or int16x8.
            integer_io: make the signature's float32 inputs and outputs integers. States stay float32.

        Raises:
            ExportError: there are no examples, or ai-edge-quantizer refuses the model.
        """
        if not self._ranges:
            raise ExportError(f"{precision}: expected examples to calibrate on, got none")
        bits = ACTIVATION_BITS[precision]
        ranges = _widened(self._ranges, bits)

        def recipe(tool: Quantizer) -> None:
            every = qtyping.TFLOperationName.ALL_SUPPORTED
            tool.add_static_config(".*", every, activation_num_bits=bits, weight_num_bits=8)
            for pattern, op in keep_in_float(self.float_model, self._ranges):
                tool.update_quantization_recipe(pattern, op, algorithm_key="no_quantize")

        model = quantized(self._packed, precision, recipe, _statistics(self.float_model, ranges))
        bypass_dequantize(model)
        restore_output_types(model, self.float_model)
        widen_small_filters(model, self.float_model)
        disable_power_of_two_scales(model)
        sum_in_32_bits(model)
        if integer_io:
            make_io_integer(model, ranges, bits, self._signature)
        return model

    @cached_property
    def _ranges(self) -> Ranges:
        return with_floors(self.float_model, calibrate(self.float_model, self._examples(), self._signature))

    @cached_property
    def _packed(self) -> bytes:
        return pack(self.float_model)  # ai-edge-quantizer takes and returns files


def _widened(ranges: Ranges, bits: int) -> Ranges:
    return {name: (low * _HEADROOM[bits], high * _HEADROOM[bits]) for name, (low, high) in ranges.items()}


def _statistics(model: Any, ranges: Ranges) -> dict[str, dict[str, np.ndarray]]:
    """Return the ranges in the form that ai-edge-quantizer takes: arrays of each tensor's rank."""
    statistics = {}
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        name = tensor.name.decode()
        if name in ranges:
            shape = [1] * (0 if tensor.shape is None else len(tensor.shape))
            low, high = ranges[name]
            statistics[name] = {
                "min": np.full(shape, low, np.float32),
                "max": np.full(shape, high, np.float32),
            }
    return statistics
