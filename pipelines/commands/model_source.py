"""The model that a command line names: a file, a folder, or an address in MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError
from ..export import READ

_IN_MLFLOW = ("models:/", "runs:/")


def require_there(model: Path) -> None:
    """Check that there is such a file or folder; a model in MLflow is looked for later.

    Raises:
        UserError: there is none.
    """
    if not (_is_address(model) or model.exists()):
        raise UserError(f"{model}: expected {READ}, or a model in MLflow: no such file or folder")


def _is_address(model: Path) -> bool:
    return str(model).startswith(_IN_MLFLOW)


@contextmanager
def located(model: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file or folder of a model, and a name for what is made of it.

    Args:
        model: a path, or an address in MLflow. What is downloaded is deleted when the block ends.

    Raises:
        UserError: there is no such model in MLflow.
    """
    if _is_address(model):
        address = str(model)
        from ..tracking.fetch import fetch_model, name_of

        with tempfile.TemporaryDirectory() as folder:
            yield fetch_model(address, Path(folder)), name_of(address)
        return
    yield model, model.resolve().stem
