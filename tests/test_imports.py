"""Imports point down only: apps -> pipelines -> layers."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OF_LAYERS = {"keras", "numpy", "tensorflow", "layers", *sys.stdlib_module_names}
ONLY_IN = {
    "mlflow": {"pipelines/tracking/runs.py"},
    # Calibration and the microcontroller target look inside a model, which a device does not.
    "ai_edge_litert.interpreter": {
        "pipelines/ondevice/model.py",
        "pipelines/export/tflite/calibration.py",
        "pipelines/export/micro/write.py",
    },
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Absolute names of what a file imports; relative imports are resolved."""
    package = path.relative_to(ROOT).parent.parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", modules("layers"), ids=str)
def test_layers_import_keras_tensorflow_numpy_and_themselves_only(path):
    assert tops(path) <= OF_LAYERS


@pytest.mark.parametrize("path", modules("pipelines"), ids=str)
def test_pipelines_import_no_app_and_reach_layers_through_one_module(path):
    assert "apps" not in tops(path)
    assert "layers" not in tops(path) or path.name == "_layers.py"


@pytest.mark.parametrize("path", modules("apps"), ids=str)
def test_an_app_imports_no_other_app(path):
    own = path.relative_to(ROOT / "apps").parts[0]
    others = {name for name in imported(path) if name.startswith("apps.") and name.split(".")[1] != own}
    assert not others


@pytest.mark.parametrize(("name", "homes"), ONLY_IN.items(), ids=ONLY_IN)
def test_one_module_only_imports(name, homes):
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in ("layers", "pipelines", "apps")
        for path in modules(folder)
        if any(found == name or found.startswith(f"{name}.") for found in imported(path))
    }
    assert users == homes


def test_the_check_sees_relative_and_nested_imports():
    assert "layers.scan" in imported(ROOT / "layers" / "recurrent.py")
    assert "layers.cell_layer" in imported(ROOT / "layers" / "cells" / "gru.py")
    assert "sklearn.metrics" in imported(ROOT / "pipelines" / "tasks" / "classification.py")
