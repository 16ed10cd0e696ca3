"""Fetch the files of a logged model, by its address in MLflow."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UserError
from .plugin import import_layers
from .quiet_mlflow import MlflowException, mlflow
from .runs import prepare, tracking_uri
from .store import sqlite_file, store_uri
from .values import one_line

_MODELS = (".keras", ".h5", ".hdf5", ".pt2", ".onnx")
_GRAPH = "saved_model.pb"


def fetch_model(uri: str, folder: Path) -> Path:
    """Download a model, and return its file, or the folder of its SavedModel.

    Nothing in it is run. The layers of this project are imported, so that Keras knows them.

    Args:
        uri: "models:/NAME@ALIAS", "models:/NAME/VERSION", "models:/ID" or "runs:/ID/PATH".
        folder: where to download to.

    Raises:
        UserError: there is no store or no such model, or what was logged holds no model of Keras, PyTorch or
            ONNX, or several.
    """
    file = sqlite_file(store_uri())
    if file is not None and not file.exists():
        raise UserError(f"{uri}: expected a store of MLflow at {file}, or another in MLFLOW_TRACKING_URI")
    with tracking_uri(prepare()):
        try:
            found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))
        except (MlflowException, OSError) as error:
            raise UserError(f"{uri}: expected a logged model: {one_line(error)}") from None
    import_layers()
    return _only_model(uri, found)


def name_of(uri: str) -> str:
    """Return a plain name for a model: of the registered model, or the id of the run."""
    return re.split("[/@]", uri.partition(":/")[2].strip("/"))[0]


def _only_model(uri: str, found: Path) -> Path:
    files = [found] if found.is_file() else sorted(path for path in found.rglob("*") if path.is_file())
    models = [each for each in files if each.suffix in _MODELS]
    models += [each.parent for each in files if each.name == _GRAPH]
    if len(models) == 1:
        return models[0]
    names = [str(each.relative_to(found)) for each in models or files]
    finished = any(name.endswith(".tflite") for name in names)
    raise UserError(
        f"{uri}: expected one model of Keras, PyTorch or ONNX, or one SavedModel, "
        f"found {', '.join(names[:5]) or 'nothing'}"
        + ("; to export the model of a training again, name runs:/ID/keras" if finished else "")
    )
