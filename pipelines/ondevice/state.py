"""Save and load the state of a streaming model as an .npz file without pickled objects."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import write_atomically
from .quantized_io import Spec

_MODEL = "model"
_PREFIX = "state."
_HEADER = 4096  # more bytes than the header of an .npy file has


def checked_state(given: Mapping[str, np.ndarray], specs: Mapping[str, Spec]) -> dict[str, np.ndarray]:
    """Check that a state has the names, shapes and dtypes in `specs`, and return a copy.

    Raises:
        UserError: the names, shapes or dtypes differ.
    """
    if given.keys() != specs.keys():
        raise UserError(f"state: expected {sorted(specs)}, got {sorted(map(str, given))}")
    state = {}
    for name, spec in specs.items():
        array = np.asarray(given[name])
        if (array.shape, array.dtype) != (spec.shape, spec.dtype):
            raise UserError(
                f"state: {name}: expected {spec.dtype} {spec.shape}, got {array.dtype} {array.shape}"
            )
        state[name] = np.array(array, order="C")
    return state


def save_state(path: Path, state: Mapping[str, np.ndarray], content: bytes) -> None:
    """Write a state to a file, completely or not at all.

    Args:
        path: the .npz file.
        state: one array for each name.
        content: the .tflite file that the state belongs to.

    Raises:
        UserError: the file can't be written.
    """
    file = io.BytesIO()
    arrays = {_PREFIX + name: array for name, array in state.items()}
    np.savez(file, allow_pickle=False, **{_MODEL: _fingerprint(content)}, **arrays)
    try:
        write_atomically(path, file.getvalue())
    except OSError as error:
        raise UserError(f"{path}: expected a file to write to: {error.strerror}") from None


def load_state(path: Path, specs: Mapping[str, Spec], content: bytes) -> dict[str, np.ndarray]:
    """Read a file that `save_state` wrote.

    Args:
        path: the .npz file.
        specs: the names, shapes and dtypes that the state must have.
        content: the .tflite file that the state must belong to.

    Raises:
        UserError: the file can't be read, is damaged, or is the state of another model.
    """
    most = _HEADER + max(
        (spec.dtype.itemsize * int(np.prod(spec.shape)) for spec in specs.values()), default=0
    )
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {entry.filename: _array(archive, entry, most) for entry in archive.infolist()}
    except OSError as error:
        raise UserError(f"{path}: expected a saved state: {error.strerror or error}") from None
    except Exception as error:  # zipfile and numpy raise many types on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: expected a saved state (.npz): {reason}") from None
    model = arrays.pop(f"{_MODEL}.npy", None)
    if model is None or not np.array_equal(model, _fingerprint(content)):
        raise UserError(f"{path}: expected the state of this model, found that of another model")
    state = {name.removeprefix(_PREFIX).removesuffix(".npy"): array for name, array in arrays.items()}
    try:
        return checked_state(state, specs)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> np.ndarray:
    if entry.file_size > most:
        raise ValueError(f"{entry.filename}: expected at most {most} bytes, found {entry.file_size}")
    return np.load(io.BytesIO(archive.read(entry)), allow_pickle=False)


def _fingerprint(content: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
