"""Load a .tflite file into the LiteRT interpreter.

This is the only module on the device's side that imports the interpreter. It does so when the first file is
loaded, so that `import pipelines.ondevice` stays quick.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import Any

from ..errors import UserError
from .file_check import check_content
from .flatbuffer_reader import UnsoundError
from .signature import Signature, one_line, read_model


class TfliteFile:
    """A checked .tflite file with an interpreter that has loaded it.

    Args:
        source: the path of the file, or its content.
        threads: the number of threads that the interpreter may use; None means LiteRT's default, one.
        isolated: try the file in another process first (see `probe`).

    Attributes:
        name: the path for error messages, or "model".
        content: the bytes of the file.
        keys: the names of its signatures.
        lock: held while the interpreter works; LiteRT's interpreters crash if two threads use one.

    Raises:
        UserError: the file can't be read, is damaged or isn't a .tflite file.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None, *, isolated: bool = False) -> None:
        self.name, self.content = read_model(source)
        self.lock = RLock()
        if isolated:
            from .probe import probe

            probe(source if isinstance(source, bytes) else Path(source))
        try:
            check_content(self.content)
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
        try:
            return Signature(self.name, self._interpreter.get_signature_runner(key))
        except Exception as error:
            raise UserError(f"{self.name}: can't load signature {key!r}: {one_line(error)}") from None


def load_litert() -> Any:
    """Import LiteRT, if that hasn't happened yet, and return its class of interpreters."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter


def rehearse(source: str | Path | bytes) -> None:
    """Load a file and run each of its signatures once, on zeros.

    Raises:
        UserError: the file can't be read, loaded or run.
    """
    file = TfliteFile(source, None)
    for key in file.keys:
        signature = file.signature(key)
        signature(signature.zeros(), signature.inputs)
