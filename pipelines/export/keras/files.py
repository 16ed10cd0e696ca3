"""Load the Keras model of a file: .keras, HDF5 of Keras 2 or 3, a SavedModel, or weights alone."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from ...archives import MOST_BYTES, check_archive
from ...errors import UserError
from ...files import require_regular
from .error_text import why_not_loaded
from .folders import load_folder
from .hdf5 import is_hdf5, load_hdf5, with_weights
from .weight_limit import weight_limit


def register(names: Sequence[str]) -> None:
    """Import classes and functions of the user, and let Keras find them by their names.

    Args:
        names: "package.module" for all that a module defines, "package.module:Class" for one. Modules of the
            current folder are found, too.

    Raises:
        UserError: there is no such module or class.
    """
    for name in names:
        keras.saving.get_custom_objects().update(_imported("custom-objects", name))


def _imported(option: str, name: str) -> dict[str, Any]:
    """Import what the user names in an option, package.module or package.module:name."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module_name, _, wanted = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(f"{option}: {name}: {error}") from None
    found = _defined(module) if not wanted else {wanted: getattr(module, wanted, None)}
    if None in found.values() or not found:
        raise UserError(f"{option}: {name}: {module_name} has no {wanted or 'class or function'}")
    return found


def made_by(architecture: str) -> keras.Model:
    """Call the user's own function, "package.module:function", and return the model that it makes.

    Raises:
        UserError: there is no such function, it needs arguments, or it returns something else.
    """
    _, _, name = architecture.partition(":")
    if not name:
        raise UserError(f"architecture: expected package.module:function, got {architecture!r}")
    function = _imported("architecture", architecture)[name]
    try:
        model = function()
    except TypeError as error:
        raise UserError(
            f"architecture: {architecture}: expected a function without arguments: {error}"
        ) from None
    if not isinstance(model, keras.Model):
        raise UserError(
            f"architecture: {architecture}: expected a function that returns a keras.Model, "
            f"got a {type(model).__name__}"
        )
    return model


def _defined(module: Any) -> dict[str, Any]:
    return {
        name: each
        for name, each in vars(module).items()
        if callable(each) and getattr(each, "__module__", None) == module.__name__
    }


def load_keras(
    path: Path,
    *,
    allow_lambda: bool = False,
    signature: str | None = None,
    architecture: str | None = None,
) -> keras.Model:
    """Load a model from a file or a SavedModel, without running code that it holds.

    Args:
        path: a .keras or HDF5 file, whose content decides which of both it is; or the folder of a SavedModel.
        allow_lambda: load layers that hold Python code, and run that code.
        signature: take this signature of a SavedModel as TensorFlow wrote it.
        architecture: "package.module:function", the user's own function that makes the model, if the file
            holds weights only.

    Raises:
        UserError: the file is something else, is damaged, needs classes that are not known, or holds code.
    """
    if signature is not None and not path.is_dir():
        raise UserError(f"{path}: --signature: expected the folder of a SavedModel")
    made = None if architecture is None else made_by(architecture)
    try:
        with weight_limit():
            model = _loaded(path, signature, made, safe_mode=not allow_lambda)
    except UserError:
        raise
    except Exception as error:  # Keras raises many types for files that are damaged or made to harm
        raise UserError(f"{path}: {why_not_loaded(error)}") from None
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: expected a keras.Model, found a {type(model).__name__}")
    return model


def _loaded(path: Path, signature: str | None, made: keras.Model | None, *, safe_mode: bool) -> Any:
    if path.is_dir() and made is None:
        return load_folder(path, signature=signature, safe_mode=safe_mode)
    require_regular(path, MOST_BYTES, "a Keras model")
    if zipfile.is_zipfile(path):
        check_archive(path)
    if made is not None:
        return with_weights(made, path)
    if is_hdf5(path):
        return load_hdf5(path, safe_mode=safe_mode)
    return keras.saving.load_model(path, compile=False, safe_mode=safe_mode)
