"""MLflow's plugin: lets `mlflow.keras` load our layers wherever this project is installed.

Keras finds custom layers only after their module was imported. MLflow makes a `Plugin` whenever it is
imported itself (the entry point is in pyproject.toml).
"""

from __future__ import annotations

import importlib
from contextlib import suppress

from mlflow.utils.import_hooks import register_post_import_hook


class Plugin:
    """For MLflow, a provider of tags for runs. It has none; it imports our layers when MLflow needs Keras."""

    def __init__(self) -> None:
        register_post_import_hook(lambda _: import_layers(), "mlflow.keras")

    def in_context(self) -> bool:
        """Return whether there are tags."""
        return False


def import_layers() -> None:
    """Import the layers of all apps' networks; an app whose libraries are not installed is left out."""
    from ..app import APPS, app_names

    for name in app_names():
        with suppress(ModuleNotFoundError):
            importlib.import_module(f"{APPS}.{name}.model")
