"""Builds the wheel: the folders `layers`, `pipelines` and `apps` become one package, `unrolled`.

In a checkout these three are packages of their own. Modules of `layers` and `pipelines` import relatively and
are copied as they are. Apps import `layers`, `pipelines` and `apps` by name, so these import statements are
rewritten in the wheel's copy.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

FOLDERS = ("layers", "pipelines", "apps")
TOP = "unrolled"


def packages() -> list[str]:
    """Return every package of the wheel; a new folder with an `__init__.py` is found by itself."""
    found = [f"{folder}.{name}" for folder in FOLDERS for name in find_packages(folder)]
    shipped = [name for name in found if name != "pipelines.unrolled"]  # that one is the top itself
    return [TOP, *(f"{TOP}.{name}" for name in (*FOLDERS, *shipped))]


def rewritten(code: str) -> str:
    """Return a module's code with `unrolled.` before each import of `layers`, `pipelines` and `apps`.

    Raises:
        ValueError: `import pipelines.x` without `as`, which would bind another name after the change.
    """
    lines = code.splitlines(keepends=True)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and not node.level and _ours(node.module or ""):
            _replace(lines, node, f"from {node.module}", f"from {TOP}.{node.module}")
        elif isinstance(node, ast.Import):
            for name in (alias.name for alias in node.names if _ours(alias.name)):
                if len(node.names) > 1 or ("." in name and node.names[0].asname is None):
                    raise ValueError(f"line {node.lineno}: expected `from {name} import ...`")
                as_name = "" if node.names[0].asname else f" as {name}"
                _replace(lines, node, f"import {name}", f"import {TOP}.{name}{as_name}")
    return "".join(lines)


def _ours(module: str) -> bool:
    return module.partition(".")[0] in FOLDERS


def _replace(lines: list[str], node: ast.Import | ast.ImportFrom, old: str, new: str) -> None:
    line = lines[node.lineno - 1]
    start = len(line.encode()[: node.col_offset].decode())
    if not line.startswith(old, start):
        raise ValueError(f"line {node.lineno}: expected {old!r}, found {line.strip()!r}")
    lines[node.lineno - 1] = line[:start] + new + line[start + len(old) :]


class BuildPy(build_py):
    """Copies modules as usual, and rewrites the imports of the apps' copies."""

    def build_module(self, module: str, module_file: str, package: Any) -> Any:
        """Copy one module."""
        done = super().build_module(module, module_file, package)
        name = package if isinstance(package, str) else ".".join(package)
        if f"{name}.".startswith(f"{TOP}.apps."):
            copy = Path(done[0])
            try:
                copy.write_text(rewritten(copy.read_text()))
            except ValueError as problem:
                raise ValueError(f"{module_file}: {problem}") from None
        return done


if __name__ == "__main__":
    setup(
        cmdclass={"build_py": BuildPy},
        packages=packages(),
        package_dir={TOP: "pipelines/unrolled", **{f"{TOP}.{folder}": folder for folder in FOLDERS}},
        package_data={
            "": ["README.md", "results.json", "shipped/*", "*.txt"],  # "": of every package
            f"{TOP}.pipelines.page": ["*.json", "static/*", "static/*/*"],
        },
    )
