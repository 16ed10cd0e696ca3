"""Call a signature of a .tflite file: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import read_file
from .file_check import MOST_BYTES
from .native_messages import held_back
from .node import Shape
from .quantized_io import as_input, quantization_of, spec_of

Arrays = dict[str, np.ndarray]

_NOTHING: Arrays = {}
_IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every .tflite file


class Signature:
    """A signature of a file.

    Args:
        file: the name of the file, for error messages.
        run: LiteRT's runner of the signature.
        check: raises UserError if the file can't be run safely on inputs of the given shapes. It is called
            only for signatures with open sizes, whenever the shapes change.

    Attributes:
        inputs, outputs: a `Spec` for each name.
        open: whether an input has a size that isn't fixed.
    """

    def __init__(self, file: str, run: Any, check: Callable[[dict[str, Shape]], None]) -> None:
        self._file, self._run, self._called = file, run, False
        self._check, self._checked = check, dict[str, Shape]()
        given, made = run.get_input_details(), run.get_output_details()
        self.inputs = {name: spec_of(detail) for name, detail in given.items()}
        self.outputs = {name: spec_of(detail) for name, detail in made.items()}
        self.open = any(-1 in spec.shape for spec in self.inputs.values())
        self._given = {name: quantization_of(detail) for name, detail in given.items()}
        self._made = {name: quantization_of(detail) for name, detail in made.items()}

    def __call__(
        self, arrays: Mapping[str, np.ndarray], exact: Collection[str], made: Arrays = _NOTHING
    ) -> Arrays:
        """Run the signature.

        Args:
            arrays: one array for each input name that `made` lacks.
            exact: names of inputs and outputs to pass on without quantising or dequantising.
            made: arrays by input name that the file itself made, such as states. They are not checked again.

        Returns:
            One array for each output name.

        Raises:
            ValueError: the names, shapes or dtypes are not those of the signature.
            UserError: LiteRT can't run it on these inputs.
        """
        if arrays.keys() != self.inputs.keys() - made.keys():
            raise ValueError(f"expected inputs {sorted(self.inputs.keys() - made)}, got {sorted(arrays)}")
        given = {
            name: as_input(name, array, self.inputs[name], None if name in exact else self._given[name])
            for name, array in arrays.items()
        }
        given.update(made)
        if self.open:
            self._check_shapes({name: array.shape for name, array in given.items()})
        try:
            answers = self._run(**given) if self._called else self._first_call(given)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise UserError(f"can't be invoked: {self._file}: {one_line(error)}") from None
        for name, quantization in self._made.items():
            if quantization is not None and name not in exact:
                answers[name] = quantization.dequantize(answers[name])
        return answers

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        if shapes != self._checked:
            self._check(shapes)
            self._checked = shapes

    def _first_call(self, given: Arrays) -> Arrays:
        """Run the signature without LiteRT's message that it uses XNNPACK, which comes in some first call."""
        with held_back("INFO: .*"):
            made = self._run(**given)
        self._called = True
        return made

    def zeros(self) -> Arrays:
        """Return zeros for each input. Open sizes become 1."""
        return self.filled(lambda shape, dtype: np.zeros(shape, dtype))

    def filled(self, fill: Callable[[Shape, np.dtype], np.ndarray], size: int = 1) -> Arrays:
        """Return an array for each input, made of its shape and dtype. Open sizes become `size`."""
        return {
            name: fill(tuple(size if each == -1 else each for each in spec.shape), spec.dtype)
            for name, spec in self.inputs.items()
        }

    def dtype(self, name: str, exact: Collection[str]) -> np.dtype:
        """Return the dtype of an output as users see it."""
        stays = name in exact or self._made[name] is None
        return self.outputs[name].dtype if stays else np.dtype(np.float32)


def read_model(source: str | Path | bytes) -> tuple[str, bytes]:
    """Read a file and check that it starts like a .tflite file.

    Args:
        source: the path of the file, or its content.

    Returns:
        The name for error messages ("model" for content), and the content.

    Raises:
        UserError: the file doesn't start like a .tflite file, can't be read or is too large.
    """
    name = "model" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else read_file(Path(source), MOST_BYTES, "a .tflite file")
    found = content[4:8]
    if found != _IDENTIFIER:
        raise UserError(f"{name}: not a .tflite file: expected {_IDENTIFIER!r} at byte 4, found {found!r}")
    return name, content


def one_line(error: Exception) -> str:
    """Return the message of an error from LiteRT as one line."""
    return " ".join(str(error).split()) or type(error).__name__
