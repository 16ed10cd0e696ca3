"""Which files of other libraries can be read, by the ends of their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_OF_TORCH = (".pt2", ".pt", ".pth", ".ts", ".torchscript", ".jit", ".pkl", ".pickle")
"""torch.export writes .pt2. The others are read by their content, and most of them refused."""


def load_foreign(path: Path) -> keras.Model | None:
    """Convert a file of another library to a Keras model, or return None if its name is of none.

    Raises:
        UserError: the file holds something else, or an operation in it has no counterpart.
    """
    suffix = path.suffix.lower()
    if suffix in _OF_TORCH:
        from .torch_model import load_exported

        return load_exported(path)
    if suffix == ".onnx":
        from .onnx_model import load_onnx

        return load_onnx(path)
    return None
