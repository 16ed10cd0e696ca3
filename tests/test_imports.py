"""Imports point down only, and nowhere in a circle: lazy ones and those for types count too."""

import ast
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("layers", "pipelines", "apps")
OF_LAYERS = {"keras", "numpy", "tensorflow", "layers", *sys.stdlib_module_names}
ROOMS = (
    ("errors", "files", "archives", "_layers", "unrolled"),
    ("ondevice",),
    ("config", "devices"),
    ("data",),
    ("evaluation",),
    ("export",),
    ("tasks",),
    ("app",),
    ("page",),
    ("tracking",),
    ("cluster",),
    ("training",),
    ("sweep", "comparison"),
    ("commands",),
    ("__main__",),
)
"""Of pipelines, the lowest first: a room imports itself and rooms below it."""
ONLY_IN = {
    # The plugin is what MLflow imports, and can't import MLflow as a whole while that is still happening.
    "mlflow": {"pipelines/tracking/quiet_mlflow.py", "pipelines/tracking/plugin.py"},
    # Calibration and the microcontroller target look inside a model, which a device does not.
    "ai_edge_litert.interpreter": {
        "pipelines/ondevice/interpreter.py",
        "pipelines/export/tflite/graph_runner.py",
        "pipelines/export/micro/write.py",
    },
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Absolute names of what a file imports, `package.module.name`; relative imports are resolved."""
    package = path.relative_to(ROOT).parent.parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def top(name: str) -> str:
    return name.split(".")[0]


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph() -> dict[str, set[str]]:
    """Return which module of the project imports which."""
    files = {dotted(path): path for folder in FOLDERS for path in modules(folder)}
    edges: dict[str, set[str]] = {}
    for name, path in files.items():
        found = {each if each in files else each.rpartition(".")[0] for each in imported(path)}
        edges[name] = {each for each in found if each in files} - {name}
    return edges


def on_circles(edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the modules that reach themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(edges[start])
        while waiting:
            if (name := waiting.pop()) not in seen:
                seen.add(name)
                waiting += edges[name]
        return seen

    return {name for name in edges if name in reached(name)}


def test_no_module_imports_itself_through_others():
    assert on_circles(graph()) == set()


def test_layers_import_keras_tensorflow_numpy_and_themselves_only():
    for path in modules("layers"):
        assert set(map(top, imported(path))) <= OF_LAYERS, path


def test_pipelines_import_no_app_and_reach_layers_through_one_module():
    for path in modules("pipelines"):
        tops = set(map(top, imported(path)))
        assert "apps" not in tops, path
        assert "layers" not in tops or path.name == "_layers.py", path


def test_no_room_of_pipelines_reaches_up():
    level = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}
    for name, found in graph().items():
        for each in found:
            if name.startswith("pipelines.") and each.startswith("pipelines."):
                assert level[name.split(".")[1]] >= level[each.split(".")[1]], f"{name} imports {each}"


def test_the_device_needs_nothing_of_the_project_but_errors_and_files():
    allowed = ("pipelines.ondevice", "pipelines.errors", "pipelines.files")
    for name, found in graph().items():
        if name.startswith("pipelines.ondevice"):
            assert all(each.startswith(allowed) for each in found), f"{name} imports {found}"


def test_an_app_imports_no_other_app():
    for path in modules("apps"):
        own = path.relative_to(ROOT / "apps").parts[0]
        others = {name for name in imported(path) if name.startswith("apps.") and name.split(".")[1] != own}
        assert not others, path


@pytest.mark.parametrize(("name", "homes"), ONLY_IN.items(), ids=ONLY_IN)
def test_one_module_only_imports(name, homes):
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in modules(folder)
        if any(found == name or found.startswith(f"{name}.") for found in imported(path))
    }
    assert users == homes


def test_the_checks_see_relative_and_nested_imports_and_circles():
    edges = graph()
    assert "layers.scan" in edges["layers.recurrent"]
    assert "layers.cell_layer" in edges["layers.cells.gru"]
    assert "scipy.stats.t" in imported(ROOT / "pipelines" / "tasks" / "forecasting_layers.py")
    assert on_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"b", "c"}
