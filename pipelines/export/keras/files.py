"""Load the Keras model of a file: .keras, or HDF5 of Keras 2 or 3."""

from __future__ import annotations

import importlib
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from ...errors import UserError
from ...files import require_regular
from ..archives import MOST_BYTES, check_archive
from .hdf5 import SIGNATURE, load_hdf5
from .weight_limit import weight_limit

_UNKNOWN = re.compile(r"Could not locate \w+ '([^']+)'|Unknown (?:layer|object|cell): '?([\w>]+)'?")


def register(names: Sequence[str]) -> None:
    """Import classes and functions of the user, and let Keras find them by their names.

    Args:
        names: "package.module" for all that a module defines, "package.module:Class" for one. Modules of the
            current folder are found, too.

    Raises:
        UserError: there is no such module or class.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in names:
        module_name, _, wanted = name.partition(":")
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise UserError(f"custom-objects: {name}: {error}") from None
        found = _defined(module) if not wanted else {wanted: getattr(module, wanted, None)}
        if None in found.values() or not found:
            raise UserError(f"custom-objects: {name}: {module_name} has no {wanted or 'class or function'}")
        keras.saving.get_custom_objects().update(found)


def _defined(module: Any) -> dict[str, Any]:
    return {
        name: each
        for name, each in vars(module).items()
        if callable(each) and getattr(each, "__module__", None) == module.__name__
    }


def load_keras(path: Path, *, allow_lambda: bool = False) -> keras.Model:
    """Load a model from a .keras or HDF5 file, without running code that the file holds.

    Args:
        path: the file; its content decides which of both it is.
        allow_lambda: load layers that hold Python code, and run that code.

    Raises:
        UserError: the file is something else, is damaged, needs classes that are not known, or holds code.
    """
    try:
        require_regular(path, MOST_BYTES, "a Keras model")
        with weight_limit():
            model = _loaded(path, safe_mode=not allow_lambda)
    except UserError:
        raise
    except Exception as error:  # Keras raises many types for files that are damaged or made to harm
        raise UserError(f"{path}: {_reason(error)}") from None
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: expected a keras.Model, found a {type(model).__name__}")
    return model


def _loaded(path: Path, *, safe_mode: bool) -> Any:
    with path.open("rb") as file:
        is_hdf5 = file.read(len(SIGNATURE)) == SIGNATURE
    if is_hdf5:
        return load_hdf5(path, safe_mode=safe_mode)
    if zipfile.is_zipfile(path):
        check_archive(path)
    return keras.saving.load_model(path, compile=False, safe_mode=safe_mode)


def _reason(error: Exception) -> str:
    text = str(error).strip()
    if unknown := _UNKNOWN.search(text):
        name = unknown[1] or unknown[2]
        return (
            f"it needs {name}, which Keras does not know: name the module that defines it, --custom-objects "
            f"package.module:{name.rpartition('>')[2]}, or register it with Keras there"
        )
    if "lambda" in text.lower():
        return (
            "it holds Python code (a lambda) that loading would run: --allow-lambda if you trust the file, "
            "or save the model with a layer of your own instead"
        )
    if isinstance(error, RecursionError):
        return "expected a Keras model: its settings are nested too deep"
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return "there is a layer of PyTorch in it, which is a pickle and could run any code"
    first = text.splitlines()[0] if text else type(error).__name__
    return f"expected a Keras model in a .keras or .h5 file, or a .pt2 or .onnx file: {first}"
