"""Load a .tflite file into the LiteRT interpreter.

This is the only module on the device's side that imports the interpreter. It does so when the first file is
loaded, so that `import pipelines.ondevice` stays quick.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from ..errors import UserError
from .file_check import MAX_MEMORY, SoundFile
from .flatbuffer_reader import UnsoundError
from .node import Shape
from .signature import Signature, one_line, read_model


class TfliteFile:
    """A checked .tflite file with an interpreter that has loaded it.

    Args:
        source: the path of the file, or its content.
        threads: the number of threads that the interpreter may use; None means LiteRT's default, one.
        isolated: try the file in another process first (see `probe`).
        max_memory: the most bytes that its tensors, without constants, may need.

    Attributes:
        name: the path for error messages, or "model".
        content: the bytes of the file.
        keys: the names of its signatures.
        lock: held while the interpreter works; LiteRT's interpreters crash if two threads use one.

    Raises:
        UserError: the file can't be read, is damaged, isn't a .tflite file or needs more memory.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int | None,
        *,
        isolated: bool = False,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        self.name, self.content = read_model(source)
        self.lock = RLock()
        if isolated:
            from .probe import probe

            probe(source if isinstance(source, bytes) else Path(source), max_memory=max_memory)
        try:
            self._sound = SoundFile(self.content, max_memory)
        except UnsoundError as problem:
            raise UserError(f"{self.name}: not a sound .tflite file: {problem}") from None
        interpreter = load_litert()
        try:
            # LiteRT checks all offsets of a file first; a file that is cut short raises ValueError.
            self._interpreter = interpreter(model_content=self.content, num_threads=threads)
            self.keys = list(self._interpreter.get_signature_list())
        except Exception as error:  # LiteRT raises many types
            raise UserError(f"{self.name}: expected a .tflite model: {one_line(error)}") from None

    def reset(self) -> None:
        """Set all variables of the file to zero; raise UserError if LiteRT can't."""
        try:
            self._interpreter.reset_all_variables()
        except (RuntimeError, ValueError, MemoryError) as error:
            raise UserError(f"can't be invoked: {self.name}: {one_line(error)}") from None

    def signature(self, key: str) -> Signature:
        """Return the signature called `key`; raise UserError if it is missing or can't be loaded."""
        if key not in self.keys:
            raise UserError(
                f"{self.name}: expected a .tflite model with signature {key!r}, found {self.keys or 'none'}"
            )
        check = functools.partial(self._check_inputs, key)
        try:
            return Signature(self.name, self._interpreter.get_signature_runner(key), check)
        except Exception as error:
            raise UserError(f"{self.name}: can't load signature {key!r}: {one_line(error)}") from None

    def _check_inputs(self, key: str, shapes: dict[str, Shape]) -> None:
        try:
            self._sound.check_inputs(key, shapes)
        except UnsoundError as problem:
            raise UserError(f"{self.name}: can't take inputs of shapes {shapes}: {problem}") from None


def load_litert() -> Any:
    """Import LiteRT, if that hasn't happened yet, and return its class of interpreters."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter


def rehearse(source: str | Path | bytes, max_memory: int = MAX_MEMORY) -> None:
    """Load a file and run each of its signatures on zeros, on the extremes of its types and on random values.

    Raises:
        UserError: the file can't be read, loaded or run on zeros. On other values LiteRT may refuse
            to run it, such as on indices that lie outside.
    """
    file = TfliteFile(source, None, max_memory=max_memory)
    for key in file.keys:
        signature = file.signature(key)
        signature(signature.zeros(), signature.inputs)
        for fill in _FILLS:
            for size in (1, 2, 5):
                with contextlib.suppress(UserError):
                    signature(signature.filled(fill, size), signature.inputs)
                if not signature.open:
                    break
        file.reset()


def _random(shape: Shape, dtype: np.dtype) -> np.ndarray:
    generator = np.random.default_rng(0)
    if dtype.kind in "iu":
        return generator.integers(*_limits(dtype), shape, dtype, endpoint=True)
    return generator.normal(size=shape).astype(dtype) if dtype.kind in "fc" else generator.random(shape) < 0.5


def _limits(dtype: np.dtype) -> tuple[Any, Any]:
    if dtype.kind in "fc":
        return np.finfo(dtype).min, np.finfo(dtype).max
    return (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype.kind in "iu" else (False, True)


_FILLS: tuple[Callable[[Shape, np.dtype], np.ndarray], ...] = (
    lambda shape, dtype: np.full(shape, _limits(dtype)[0], dtype),
    lambda shape, dtype: np.full(shape, _limits(dtype)[1], dtype),
    lambda shape, dtype: np.full(shape, 1 if dtype.kind in "ub" else -1, dtype),
    lambda shape, dtype: np.full(shape, np.nan if dtype.kind in "fc" else 1, dtype),
    _random,
)
"""The smallest and the largest value, -1, NaN, and random ones."""
