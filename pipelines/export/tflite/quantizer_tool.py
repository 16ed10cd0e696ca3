"""Calls ai-edge-quantizer on a parsed float32 model."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ai_edge_quantizer.quantizer import Quantizer

from ...errors import ExportError
from .flatbuffer import parse
from .passes.duplicate_shared_buffers import duplicate_shared_buffers
from .passes.trim_constants import trim_constants
from .passes.unique_names import unique_names


def prepare(model: Any) -> None:
    """Give each tensor of a float32 model a unique name and each constant a buffer, as the tool needs."""
    unique_names(model)
    duplicate_shared_buffers(model)
    trim_constants(model)


def quantized(
    content: bytes,
    precision: str,
    recipe: Callable[[Quantizer], None],
    statistics: Mapping[str, Any] | None = None,
) -> Any:
    """Return the parsed model that ai-edge-quantizer makes of a float32 file.

    Args:
        content: the file of a prepared model.
        precision: the name for errors.
        recipe: adds its rules to the tool.
        statistics: the range of each tensor, where rules need them.

    Raises:
        ExportError: ai-edge-quantizer refuses the model.
    """
    try:
        tool = Quantizer(content)
        recipe(tool)
        # The tool prints progress bars on standard error, and warns about the memory that it takes.
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = tool.quantize(statistics, enable_progress_report=False)
        return parse(bytes(result.quantized_model))
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise ExportError(f"{precision}: can't be quantised: {' '.join(str(error).split())}") from error
