"""Makes every subgraph return tensors of the types that it returned before quantisation.

The variables of a loop stay float32, so that states keep their precision over the steps. ai-edge-quantizer
sometimes replaces an output of a loop body by its integer copy; the loop's input would then have another
type than its output.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ....errors import ExportError
from ..flatbuffer import opcode


def restore_output_types(model: Any, float_model: Any) -> None:
    """Replace outputs whose type differs from that in `float_model`, the model before quantisation.

    Raises:
        ExportError: an output exists as an integer tensor only.
    """
    for index, before in enumerate(float_model.subgraphs):
        _restore(model, index, before)


def _restore(model: Any, index: int, before: Any) -> None:
    graph = model.subgraphs[index]
    graph.outputs = list(graph.outputs)
    dequantize = schema.BuiltinOperator.DEQUANTIZE
    float_of = {op.inputs[0]: op.outputs[0] for op in graph.operators if opcode(model, op) == dequantize}
    entries = [entry for each in model.signatureDefs if each.subgraphIndex == index for entry in each.outputs]
    for i, tensor in enumerate(before.outputs):
        copies = (graph.outputs[i], tensor, float_of.get(tensor, tensor))
        fitting = [copy for copy in copies if graph.tensors[copy].type == before.tensors[tensor].type]
        if not fitting:
            raise ExportError(
                f"{before.tensors[tensor].name.decode()}: expected this output in the type it had before "
                "quantisation, found it in integers only"
            )
        graph.outputs[i] = fitting[0]
        for entry in entries:
            if entry.tensorIndex == tensor:
                entry.tensorIndex = fitting[0]
