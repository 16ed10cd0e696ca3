"""The last passes over every file, which remove what an interpreter does not need.

A small file shrinks to about half of what the converter writes.
"""

from __future__ import annotations

from typing import Any

from .passes.merge_equal_buffers import merge_equal_buffers
from .passes.remove_debug_info import remove_debug_info
from .passes.remove_idle_loop_variables import remove_idle_loop_variables
from .passes.remove_unused_tensors import remove_unused_tensors


def clean_up(model: Any) -> None:
    """Remove idle loop variables, unused tensors, debug information and duplicate constants.

    Args:
        model: a `schema.ModelT`, changed in place.
    """
    remove_idle_loop_variables(model)
    remove_unused_tensors(model)
    remove_debug_info(model)
    merge_equal_buffers(model)
