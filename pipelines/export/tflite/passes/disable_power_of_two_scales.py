"""Allows any scale in int16 additions and subtractions.

ADD and SUB have an option `pot_scale_int16`. It is set by default, and then the int16 kernels expect scales
that are powers of two, which calibrated scales are not.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema


def disable_power_of_two_scales(model: Any) -> None:
    """Clear `pot_scale_int16` of every ADD and SUB."""
    for op in (op for graph in model.subgraphs for op in graph.operators):
        if isinstance(op.builtinOptions, (schema.AddOptionsT, schema.SubOptionsT)):
            op.builtinOptions.potScaleInt16 = False
