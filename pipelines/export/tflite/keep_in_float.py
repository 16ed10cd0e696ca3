"""The rules for which ops of an int8 or int16x8 model stay in float32, with the reasons."""

from __future__ import annotations

import re
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping

from .calibration import Ranges
from .flatbuffer import called_subgraphs, opcode
from .float_scope import ops_in_float_scope

_Op = qtyping.TFLOperationName
Rule = tuple[str, qtyping.TFLOperationName]
"""A regular expression for the names of an op's outputs, and the kind of op."""

# The graph's inputs and outputs stay float32. So do quotients and variances, since small divisors would be
# rounded to zero, and SPLIT, since XNNPACK refuses it in integers.
_EVERYWHERE = (
    _Op.INPUT, _Op.OUTPUT, _Op.DIV, _Op.RSQRT, _Op.SQRT, _Op.SQUARED_DIFFERENCE, _Op.MEAN, _Op.SPLIT,
)  # fmt: skip
# Softplus takes the logarithm of 1 + exp(x). Rounded to steps of that range, small gates of MinLSTM vanish.
_SOFTPLUS = ".*/Softplus"
# In loops only products with weights are integers. The other operations take little time, but a state that
# is rounded at every step loses what it gathers; and an integer loop that reads or writes one row of a
# sequence would convert the whole sequence each step. Devices that run integers only have no loops.
_PRODUCTS = (_Op.FULLY_CONNECTED, _Op.BATCH_MATMUL, _Op.CONV_2D, _Op.DEPTHWISE_CONV_2D, _Op.CONV_2D_TRANSPOSE)
_IN_LOOPS = [each for each in _Op if each not in (*_PRODUCTS, _Op.ALL_SUPPORTED, _Op.INPUT, _Op.OUTPUT)]
_SELECTS = (schema.BuiltinOperator.SELECT, schema.BuiltinOperator.SELECT_V2)
_MASK_VALUE = 500.0  # if a SELECT yields more, it masks with a stand-in for minus infinity


def keep_in_float(model: Any, ranges: Ranges) -> list[Rule]:
    """Return the rules that exempt ops from quantisation.

    Args:
        model: a parsed float32 model with names from `unique_names`.
        ranges: the calibrated range of each tensor.
    """
    rules = [(".*", op) for op in _EVERYWHERE] + [(_SOFTPLUS, _Op.ALL_SUPPORTED)]
    if loops := called_subgraphs(model):  # names begin with the index of the subgraph
        in_loops = f"^({'|'.join(map(str, sorted(loops)))})/"
        rules += [(in_loops, op) for op in _IN_LOOPS]
    names = [*_masked_outputs(model, ranges), *_float_scope_outputs(model)]
    return rules + [(f"^{re.escape(name)}", _Op.ALL_SUPPORTED) for name in names]


def _float_scope_outputs(model: Any) -> list[str]:
    return [
        graph.tensors[op.outputs[0]].name.decode()
        for graph in model.subgraphs
        for op in ops_in_float_scope(graph)
    ]


def _masked_outputs(model: Any, ranges: Ranges) -> list[str]:
    """Return the outputs of ops that mask padding with a large negative number, and of those that read them.

    With one such number in its range, a tensor's integer steps are too coarse for all other values.
    """
    found = []
    for graph in model.subgraphs:
        names = [tensor.name.decode() for tensor in graph.tensors]
        masked = {
            op.outputs[0]
            for op in graph.operators
            if opcode(model, op) in _SELECTS
            and max(map(abs, ranges.get(names[op.outputs[0]], (0,)))) > _MASK_VALUE
        }
        found += [names[op.outputs[0]] for op in graph.operators if masked & {*op.inputs, *op.outputs}]
    return found
