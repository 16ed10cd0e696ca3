"""Full-integer .tflite models, loops included: int8, and int16x8 (weights in 8 bits, activations in 16).

A tensor x is held as whole numbers q with x = scale * (q - zero point). ai-edge-quantizer writes the integer
graph from the range of each tensor, which `calibration` measures. What a loop carries stays float32: its body
quantizes what it reads and dequantizes what it hands on, so that states keep their precision over the steps.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.quantizer import Quantizer

from ...errors import ExportError
from .calibration import Ranges, tensor_ranges
from .flatbuffer import called_graphs, opcode, pack, parse, spread
from .in_float import ops_in_float
from .integer_io import with_integer_io
from .slim import slim

ACTIVATION_BITS = {"int8": 8, "int16x8": 16}

Examples = Iterable[Mapping[str, np.ndarray]]
"""Arrays by input name, one example each, batch of 1 included."""

_Op = qtyping.TFLOperationName
# The graph's inputs and outputs stay float32; so do quotients and variances, since small divisors would be
# rounded to zero, and SPLIT, since XNNPACK refuses it in integers.
_FLOAT = (
    _Op.INPUT, _Op.OUTPUT, _Op.DIV, _Op.RSQRT, _Op.SQRT, _Op.SQUARED_DIFFERENCE, _Op.MEAN, _Op.SPLIT,
)  # fmt: skip
# 1 + exp(x) on its way to the logarithm: rounded to steps of its range, small gates of MinLSTM would be lost.
_LOGARITHMS = ".*/Softplus"
# To read or write one row of a sequence in integers, a loop would convert the whole of it at every step.
_FLOAT_IN_LOOPS = (_Op.GATHER, _Op.DYNAMIC_UPDATE_SLICE, _Op.SELECT_V2, _Op.SELECT, _Op.RESHAPE)
_Builtin = schema.BuiltinOperator
_SELECTS = (_Builtin.SELECT, _Builtin.SELECT_V2)
_INTEGERS = (schema.TensorType.INT8, schema.TensorType.INT16)
_WIDE = 500.0  # a chosen value beyond this stands for minus infinity: no integer step could be that large


def quantize(
    content: bytes, precision: str, examples: Examples, signature: str = "serve", integer_io: bool = False
) -> bytes:
    """Return a float32 .tflite file in `precision`, calibrated on examples.

    Raises:
        ExportError: no examples, or the tool refuses.
    """
    named = spread(content)
    ranges = tensor_ranges(named, examples, signature)
    return slim(quantize_named(named, precision, ranges, signature, integer_io))


def quantize_named(
    content: bytes, precision: str, ranges: Ranges, signature: str = "serve", integer_io: bool = False
) -> bytes:
    """Do what `quantize` does by ranges, to a file from `spread`: its tensors keep their names."""
    if not ranges:
        raise ExportError(f"{precision}: expected examples to calibrate on, got none")
    try:
        quantized = _quantized(content, precision, ranges)
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise ExportError(f"{precision}: does not quantize: {' '.join(str(error).split())}") from error
    repaired = _repaired(quantized, content)
    if not integer_io:
        return repaired
    return with_integer_io(repaired, ranges, ACTIVATION_BITS[precision], signature)


def _quantized(content: bytes, precision: str, ranges: Ranges) -> bytes:
    tool = Quantizer(content)
    bits = ACTIVATION_BITS[precision]
    tool.add_static_config(".*", _Op.ALL_SUPPORTED, activation_num_bits=bits, weight_num_bits=8)
    left = [(".*", op) for op in _FLOAT] + [(_LOGARITHMS, _Op.ALL_SUPPORTED)]
    if loops := called_graphs(parse(content)):  # `spread` puts the number of the graph first
        in_loops = f"^({'|'.join(map(str, sorted(loops)))})/"
        left += [(in_loops, op) for op in _FLOAT_IN_LOOPS]
    names = _masking(content, ranges) + _in_float(content)
    left += [(f"^{re.escape(name)}", _Op.ALL_SUPPORTED) for name in names]
    for pattern, op in left:
        tool.update_quantization_recipe(pattern, op, algorithm_key="no_quantize")
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():  # bars; a word on memory
        warnings.simplefilter("ignore")
        result = tool.quantize(_statistics(content, ranges), enable_progress_report=False)
    return bytes(result.quantized_model)


def _statistics(content: bytes, ranges: Ranges) -> dict[str, dict[str, np.ndarray]]:
    """Return the ranges as the tool wants them, each of the tensor's rank."""
    statistics = {}
    for graph in parse(content).subgraphs:
        for tensor in graph.tensors:
            name = tensor.name.decode()
            if name in ranges:
                shape = [1] * (0 if tensor.shape is None else len(tensor.shape))
                low, high = ranges[name]
                statistics[name] = {
                    "min": np.full(shape, low, np.float32),
                    "max": np.full(shape, high, np.float32),
                }
    return statistics


def _in_float(content: bytes) -> list[str]:
    """Return the outputs of the ops that layers want in float32."""
    graphs = parse(content).subgraphs
    return [graph.tensors[op.outputs[0]].name.decode() for graph in graphs for op in ops_in_float(graph)]


def _masking(content: bytes, ranges: Ranges) -> list[str]:
    """Return the outputs of the ops that put a stand-in for minus infinity at padding, or read what has one.

    One such value and no integer step is small enough for the others.
    """
    model, found = parse(content), []
    for graph in model.subgraphs:
        names = [tensor.name.decode() for tensor in graph.tensors]
        wide = {
            op.outputs[0]
            for op in graph.operators
            if opcode(model, op) in _SELECTS and max(map(abs, ranges.get(names[op.outputs[0]], (0,)))) > _WIDE
        }
        found += [names[op.outputs[0]] for op in graph.operators if wide & {*op.inputs, *op.outputs}]
    return found


def _repaired(quantized: bytes, content: bytes) -> bytes:
    """Put right what the tool leaves wrong: types that do not fit, and scales that int16 need not have."""
    model: Any = parse(quantized)
    for i, (graph, before) in enumerate(zip(model.subgraphs, parse(content).subgraphs, strict=True)):
        _let_integers_read_integers(model, graph)
        _hand_on_as_before(model, i, before)
        for op in graph.operators:
            if isinstance(op.builtinOptions, (schema.AddOptionsT, schema.SubOptionsT)):
                op.builtinOptions.potScaleInt16 = False  # else int16 wants scales that are powers of 2
    return pack(model)


def _let_integers_read_integers(model: Any, graph: Any) -> None:
    """Give ops that write integers the integers that a DEQUANTIZE between reads."""
    types = [tensor.type for tensor in graph.tensors]
    whole = {
        op.outputs[0]: op.inputs[0] for op in graph.operators if opcode(model, op) == _Builtin.DEQUANTIZE
    }
    for op in graph.operators:
        if opcode(model, op) != _Builtin.QUANTIZE and types[op.outputs[0]] in _INTEGERS:
            op.inputs = [whole.get(tensor, tensor) for tensor in op.inputs]


def _hand_on_as_before(model: Any, index: int, before: Any) -> None:
    """Make a graph hand on tensors of the types it did before, where the tool took integer copies."""
    graph = model.subgraphs[index]
    graph.outputs = list(graph.outputs)
    real = {op.inputs[0]: op.outputs[0] for op in graph.operators if opcode(model, op) == _Builtin.DEQUANTIZE}
    ports = [port for each in model.signatureDefs if each.subgraphIndex == index for port in each.outputs]
    for i, tensor in enumerate(before.outputs):
        copies = (graph.outputs[i], tensor, real.get(tensor, tensor))
        fitting = [copy for copy in copies if graph.tensors[copy].type == before.tensors[tensor].type]
        if not fitting:
            raise ExportError(f"{before.tensors[tensor].name.decode()}: would be handed on in integers")
        graph.outputs[i] = fitting[0]
        for port in ports:
            if port.tensorIndex == tensor:
                port.tensorIndex = fitting[0]
